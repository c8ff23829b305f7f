"""The file-system interface that everything durable is written through."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from cauce.files.lock import Ownership

__all__ = ["FileStatus", "FileSystem"]


@dataclass(frozen=True)
class FileStatus:
    """One directory entry. `path` is absolute; `modified_ms` since the epoch."""

    path: str
    size_bytes: int
    modified_ms: int
    is_dir: bool


class FileSystem(Protocol):
    """Paths are absolute: `/folder/file` on a local disk, `s3a://bucket/folder/file` in an object store.

    Missing files raise FileNotFoundError.

    Nothing creates a missing parent folder by the way except `make_dirs`. After a failed fsync every
    further change through the same object is refused with SyncFailedError.
    """

    def read_bytes(self, path: str) -> bytes: ...

    def exists(self, path: str) -> bool: ...

    def status(self, path: str) -> FileStatus: ...

    def statuses(self, paths: Sequence[str]) -> "list[FileStatus | None]":
        """Of many files at once; None for those that are not there."""
        ...

    def names(self, path: str) -> list[str]:
        """The names in a folder, unsorted and without their status; an absent folder has none."""
        ...

    def list(self, path: str, *, recursive: bool = False) -> list[FileStatus]:
        """Entries sorted by path; an absent folder is an empty list; hidden names are included."""
        ...

    def make_dirs(self, path: str, *, private: bool = False) -> None:
        """Create a folder and its missing parents, each durably; `private` ones are the owner's only."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file if it is there. Not synced: after a power loss it may be back."""
        ...

    def delete_tree(self, path: str) -> None:
        """Remove a folder with everything in it, if it is there. Links are removed, not followed."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Atomic within the file system; the target's folder is fsynced."""
        ...

    def link(self, source: str, target: str) -> None:
        """A second name for a file on the same disk. Not synced; FileExistsError if `target` is there."""
        ...

    def write_durable(self, path: str, data: bytes, *, overwrite: bool = False) -> None:
        """Temporary file `.<name>.<uuid>.tmp`, write, fsync, link or rename, fsync folder.

        Without `overwrite` the creation is atomic: FileExistsError if `path` is there already,
        whoever put it there.
        """
        ...

    def write_unsynced(self, path: str, data: bytes) -> None:
        """A new file whose loss does no harm: not synced, and not atomic either."""
        ...

    def create_durable(self, path: str, *, sync_folder: bool = True) -> AbstractContextManager[Any]:
        """A new writable file, filled piece by piece; it appears at `path`, whole, when the block ends well.

        A failed block leaves nothing. With `sync_folder=False` the caller writes several files and
        calls `sync_folder` once: until then a power loss may drop them.
        """
        ...

    def sync_folder(self, path: str) -> None:
        """Make the names in a folder durable."""
        ...

    def lock(self, path: str, holder: str) -> Ownership:
        """Own `path` until `release()` or the death of this process; `holder` is noted in it.

        LockedError, with the other's note, when another process or another part of this one owns it.
        """
        ...

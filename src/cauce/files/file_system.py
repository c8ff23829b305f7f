"""The file-system interface, and its implementation on the local disk."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class FileStatus:
    """One directory entry. `path` is absolute without scheme; `modified_ms` since the epoch."""

    path: str
    size_bytes: int
    modified_ms: int
    is_dir: bool


class FileSystem(Protocol):
    """Paths are absolute strings without scheme. Missing files raise FileNotFoundError."""

    def read_bytes(self, path: str) -> bytes: ...

    def exists(self, path: str) -> bool: ...

    def status(self, path: str) -> FileStatus: ...

    def list(self, path: str, *, recursive: bool = False) -> list[FileStatus]:
        """Entries sorted by path; an absent folder is an empty list; hidden names are included."""
        ...

    def make_dirs(self, path: str) -> None: ...

    def delete(self, path: str) -> None:
        """Remove a file if it is there."""
        ...

    def delete_tree(self, path: str) -> None: ...

    def rename(self, source: str, target: str) -> None:
        """Atomic within the file system; the target's folder is fsynced."""
        ...

    def write_durable(self, path: str, data: bytes, *, overwrite: bool = False) -> None:
        """Temporary file `.<name>.<uuid>.tmp`, write, fsync, link or rename, fsync folder.

        Without `overwrite` the creation is atomic: FileExistsError if `path` is there already,
        whoever put it there.
        """
        ...


class LocalFileSystem:
    """The local disk. (Written by the files work item.)"""


def open_file_system(uri: str) -> tuple[FileSystem, str]:
    """The file system a user's path or URI lives on, and its absolute path there."""
    raise NotImplementedError(uri)

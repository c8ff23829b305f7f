"""The local disk as a FileSystem: every durable write is here, and nowhere else."""

import contextlib
import os
import uuid
from collections.abc import Iterator, Sequence

from cauce.files.disk import Disk
from cauce.files.durable_file import DurableFile
from cauce.files.file_system import FileStatus
from cauce.files.lock import FileLock

__all__ = ["LocalFileSystem", "SyncFailedError"]


class SyncFailedError(OSError):
    """An fsync failed, so what the disk holds is unknown.

    The kernel may have dropped the data and will report success next time: trying again proves
    nothing. The query stops; a restart reads what is really there.
    """


class LocalFileSystem:
    """One query's (or tool's) view of the local disk; remembers a failed fsync and then refuses to write."""

    def __init__(self, disk: Disk | None = None) -> None:
        self._disk = disk or Disk()
        self._failure: str | None = None

    # Reading

    def read_bytes(self, path: str) -> bytes:
        return self._disk.read(path)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def status(self, path: str) -> FileStatus:
        return _status(path, os.stat(path))

    def statuses(self, paths: Sequence[str]) -> "list[FileStatus | None]":
        return [self._status_or_none(path) for path in paths]

    def _status_or_none(self, path: str) -> FileStatus | None:
        try:
            return self.status(path)
        except FileNotFoundError:
            return None

    def names(self, path: str) -> list[str]:
        try:
            return os.listdir(path)
        except FileNotFoundError:
            return []

    def list(self, path: str, *, recursive: bool = False) -> list[FileStatus]:
        return sorted(_entries(path, recursive, ancestors=()), key=lambda entry: entry.path)

    # Changing

    def make_dirs(self, path: str, *, private: bool = False) -> None:
        if os.path.isdir(path):
            return
        parent = os.path.dirname(path)
        self.make_dirs(parent, private=private)
        self._refuse_after_failure()
        with contextlib.suppress(FileExistsError):
            self._disk.make_dir(path, 0o700 if private else 0o777)
        self.sync_folder(parent)

    def delete(self, path: str) -> None:
        self._refuse_after_failure()
        with contextlib.suppress(FileNotFoundError):
            self._disk.unlink(path)

    def delete_tree(self, path: str) -> None:
        self._refuse_after_failure()
        for folder, folders, files in os.walk(path, topdown=False):
            for name in files:
                self._disk.unlink(f"{folder}/{name}")
            for name in folders:
                self._remove_folder(f"{folder}/{name}")
        if os.path.lexists(path):
            self._remove_folder(path)

    def _remove_folder(self, path: str) -> None:
        if os.path.islink(path) or not os.path.isdir(path):
            self._disk.unlink(path)
        else:
            self._disk.remove_dir(path)

    def rename(self, source: str, target: str) -> None:
        self._refuse_after_failure()
        self._disk.rename(source, target)
        self.sync_folder(os.path.dirname(target))

    def link(self, source: str, target: str) -> None:
        self._refuse_after_failure()
        self._disk.link(source, target)

    def write_durable(self, path: str, data: bytes, *, overwrite: bool = False) -> None:
        self._refuse_after_failure()
        folder, temporary = _temporary(path)
        with self._discarding(temporary):
            descriptor = self._disk.create(temporary)
            try:
                self._disk.write(descriptor, data)
                self._sync(descriptor, temporary)
            finally:
                self._disk.close(descriptor)
            self._publish(temporary, path, overwrite=overwrite)
        self.sync_folder(folder)

    def write_unsynced(self, path: str, data: bytes) -> None:
        self._refuse_after_failure()
        descriptor = self._disk.create(path)
        with self._discarding(path):
            try:
                self._disk.write(descriptor, data)
            finally:
                self._disk.close(descriptor)

    @contextlib.contextmanager
    def create_durable(self, path: str, *, sync_folder: bool = True) -> Iterator[DurableFile]:
        self._refuse_after_failure()
        folder, temporary = _temporary(path)
        with self._discarding(temporary):
            file = DurableFile(self._disk, temporary, self._sync)
            try:
                yield file
                file.sync()
            finally:
                file.finish()
            self._publish(temporary, path, overwrite=False)
        if sync_folder:
            self.sync_folder(folder)

    def sync_folder(self, path: str) -> None:
        self._refuse_after_failure()
        try:
            self._disk.sync_folder(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._fail(error, path)

    def lock(self, path: str, holder: str) -> FileLock:
        return FileLock(path, holder)

    # Shared steps

    def _publish(self, temporary: str, path: str, *, overwrite: bool) -> None:
        if overwrite:
            self._disk.rename(temporary, path)
        else:
            # A rename would replace a file that another writer published first; a link refuses.
            self._disk.link(temporary, path)
            self._disk.unlink(temporary)

    @contextlib.contextmanager
    def _discarding(self, temporary: str) -> Iterator[None]:
        """Remove the temporary file of a write that failed."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                self._disk.unlink(temporary)
            raise

    def _sync(self, descriptor: int, path: str) -> None:
        try:
            self._disk.sync(descriptor)
        except OSError as error:
            self._fail(error, path)

    def _fail(self, error: OSError, path: str) -> None:
        self._failure = (
            f"fsync of {path} failed ({error.strerror}), so nothing more is written: "
            "check the disk, then start the query again"
        )
        raise SyncFailedError(self._failure) from error

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise SyncFailedError(self._failure)


def _temporary(path: str) -> tuple[str, str]:
    """The folder of `path` and a hidden name in it that no one else uses, spelled as Spark does."""
    folder, name = os.path.split(path)
    return folder, f"{folder}/.{name}.{uuid.uuid4()}.tmp"


def _status(path: str, stat: os.stat_result) -> FileStatus:
    is_dir = (stat.st_mode & 0o170000) == 0o040000
    return FileStatus(path, 0 if is_dir else stat.st_size, stat.st_mtime_ns // 1_000_000, is_dir)


def _entries(path: str, recursive: bool, ancestors: tuple[tuple[int, int], ...]) -> Iterator[FileStatus]:
    """Files vanish while a folder is listed, and links may point nowhere or upwards: both are left out."""
    try:
        found = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in found:
        try:
            stat = entry.stat()
        except FileNotFoundError:
            continue
        status = _status(entry.path, stat)
        yield status
        identity = (stat.st_dev, stat.st_ino)
        if recursive and status.is_dir and identity not in ancestors:
            yield from _entries(entry.path, recursive, (*ancestors, identity))

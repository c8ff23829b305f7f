"""Every path where it belongs: this machine's disk, or an object store."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from cauce.errors import IllegalArgumentException
from cauce.files.file_system import FileStatus, FileSystem
from cauce.files.local_file_system import LocalFileSystem
from cauce.files.lock import Ownership
from cauce.files.object_file_system import ObjectFileSystem
from cauce.files.object_uri import is_local

__all__ = ["RoutedFileSystem"]


class RoutedFileSystem:
    """A query may read from one place, write to another and keep its checkpoint in a third."""

    def __init__(self) -> None:
        self._local = LocalFileSystem()
        # Whoever opens this says which settings count, also if the first object comes much later.
        self._objects = ObjectFileSystem()

    def _of(self, path: str) -> FileSystem:
        return self._local if is_local(path) else self._objects

    def read_bytes(self, path: str) -> bytes:
        return self._of(path).read_bytes(path)

    def exists(self, path: str) -> bool:
        return self._of(path).exists(path)

    def status(self, path: str) -> FileStatus:
        return self._of(path).status(path)

    def statuses(self, paths: Sequence[str]) -> list[FileStatus | None]:
        return self._of(paths[0]).statuses(paths) if paths else []

    def names(self, path: str) -> list[str]:
        return self._of(path).names(path)

    def list(self, path: str, *, recursive: bool = False) -> list[FileStatus]:
        return self._of(path).list(path, recursive=recursive)

    def make_dirs(self, path: str, *, private: bool = False) -> None:
        self._of(path).make_dirs(path, private=private)

    def delete(self, path: str) -> None:
        self._of(path).delete(path)

    def delete_tree(self, path: str) -> None:
        self._of(path).delete_tree(path)

    def rename(self, source: str, target: str) -> None:
        self._of_both(source, target).rename(source, target)

    def link(self, source: str, target: str) -> None:
        self._of_both(source, target).link(source, target)

    def write_durable(self, path: str, data: bytes, *, overwrite: bool = False) -> None:
        self._of(path).write_durable(path, data, overwrite=overwrite)

    def write_unsynced(self, path: str, data: bytes) -> None:
        self._of(path).write_unsynced(path, data)

    def create_durable(self, path: str, *, sync_folder: bool = True) -> AbstractContextManager[Any]:
        return self._of(path).create_durable(path, sync_folder=sync_folder)

    def sync_folder(self, path: str) -> None:
        self._of(path).sync_folder(path)

    def lock(self, path: str, holder: str) -> Ownership:
        return self._of(path).lock(path, holder)

    def _of_both(self, source: str, target: str) -> FileSystem:
        if is_local(source) != is_local(target):
            raise IllegalArgumentException(None, f"Wrong FS: {target}, expected one like {source}")
        return self._of(source)

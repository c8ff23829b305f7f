"""A disk that refuses every change, for commands that must only look."""

import errno
import os
from typing import NoReturn

from cauce.files.disk import Disk

__all__ = ["ReadOnlyDisk"]


class ReadOnlyDisk(Disk):
    """Reads as any disk; every change is an OSError, as on a read-only file system."""

    def create(self, path: str) -> int:
        _refuse(path)

    def link(self, source: str, target: str) -> None:
        _refuse(target)

    def rename(self, source: str, target: str) -> None:
        _refuse(target)

    def unlink(self, path: str) -> None:
        _refuse(path)

    def make_dir(self, path: str, mode: int) -> None:
        _refuse(path)

    def remove_dir(self, path: str) -> None:
        _refuse(path)


def _refuse(path: str) -> NoReturn:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

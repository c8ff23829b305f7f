"""A file under construction: it has no name in its folder until it is complete and synced."""

import io
from collections.abc import Callable
from typing import Any

from cauce.files.disk import Disk

__all__ = ["DurableFile"]


class DurableFile(io.RawIOBase):
    """Write-only and forward-only; accepts any buffer, so Arrow writers can write into it.

    Made by `FileSystem.create_durable`, which publishes it.
    """

    def __init__(self, disk: Disk, path: str, sync: Callable[[int, str], None]) -> None:
        self._disk = disk
        self._path = path
        self._sync = sync
        self._position = 0
        self._descriptor = disk.create(path)

    def write(self, data: Any, /) -> int:
        """Append all of `data`; the number of bytes."""
        view = memoryview(data).cast("B")
        self._disk.write(self._descriptor, view)
        self._position += len(view)
        return len(view)

    def tell(self) -> int:
        return self._position

    def writable(self) -> bool:
        return True

    def sync(self) -> None:
        """fsync what was written so far."""
        self._sync(self._descriptor, self._path)

    def finish(self) -> None:
        """Close the descriptor; `close()` of a writer stacked on top must not end the file early."""
        if self._descriptor >= 0:
            self._disk.close(self._descriptor)
            self._descriptor = -1

"""An object under construction: kept on this machine until it is complete, then put in one go."""

import io
import tempfile
from typing import IO, Any

__all__ = ["ObjectFile"]

MEMORY_BYTES_MAX = 32 << 20
"""Larger ones wait in a temporary file."""


class ObjectFile(io.RawIOBase):
    """Write-only and forward-only, like DurableFile. Made by `FileSystem.create_durable`."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX)  # noqa: SIM115 - closed below
        self._position = 0

    def write(self, data: Any, /) -> int:
        """Append all of `data`; the number of bytes."""
        view = memoryview(data).cast("B")
        self._file.write(view)
        self._position += len(view)
        return len(view)

    def tell(self) -> int:
        return self._position

    def writable(self) -> bool:
        return True

    def content(self) -> "bytes | IO[bytes]":
        """What was written, as bytes or, if it is large, as a file."""
        self._file.seek(0)
        return self._file.read() if self._position <= MEMORY_BYTES_MAX else self._file

    def finish(self) -> None:
        """Let go of it; `close()` of a writer stacked on top must not end the file early."""
        self._file.close()

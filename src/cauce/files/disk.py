"""The few operations that change a local disk, each its own method so that a test can break it."""

import os

__all__ = ["Disk"]


class Disk:
    """POSIX primitives. A subclass may count, refuse, tear or forget any of them."""

    def create(self, path: str) -> int:
        """Open a new file for writing; FileExistsError if it is there."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def write(self, descriptor: int, data: bytes | memoryview) -> None:
        """Write all of `data`, or raise."""
        written = os.write(descriptor, data)
        while written < len(data):
            data = memoryview(data)[written:]
            written = os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def link(self, source: str, target: str) -> None:
        """A second name for a file; FileExistsError if `target` is there, atomically."""
        os.link(source, target)

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def make_dir(self, path: str, mode: int) -> None:
        os.mkdir(path, mode)

    def remove_dir(self, path: str) -> None:
        os.rmdir(path)

    def sync_folder(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self, path: str) -> bytes:
        """The whole file."""
        with open(path, "rb", buffering=0) as file:
            return file.readall()

"""A lock on a file that dies with its process, and refuses a second owner inside this process too."""

import fcntl
import os
import threading
import uuid
from typing import Protocol

__all__ = ["FileLock", "LockedError", "Ownership"]

# A POSIX record lock belongs to the process: the kernel grants it again to a second part of the same
# process. So what this process owns is also kept here, by device and inode. (flock would need no such
# set, but children forked by user code inherit it and keep it when the server is killed.)
_owned: set[tuple[int, int]] = set()
_owned_guard = threading.Lock()


class LockedError(Exception):
    """Somebody else owns the file; `holder` is the note they left in it."""

    def __init__(self, path: str, holder: str) -> None:
        super().__init__(f"{path} is owned by {holder or 'an unknown process'}")
        self.path = path
        self.holder = holder


class Ownership(Protocol):
    """Owning something until `release`."""

    renewal_s: float | None
    """How often `renew` must be called to keep it; None if it lasts as long as the process."""

    def check(self) -> None:
        """LockedError if it was lost to somebody else."""
        ...

    def renew(self) -> None:
        """The same, and keep it."""
        ...

    def release(self) -> None: ...


class FileLock:
    """Ownership of one file. The file stays behind when released: only the kernel's lock counts."""

    renewal_s: float | None = None

    def __init__(self, path: str, holder: str) -> None:
        self._path = path
        # The second line tells two owners of one name apart.
        self._note = f"{holder}\n{uuid.uuid4()}".encode()
        with _owned_guard:
            self._identity, self._descriptor = self._take()
            _owned.add(self._identity)

    def _take(self) -> tuple[tuple[int, int], int]:
        # Closing any descriptor of a file drops this process's lock on it, so a file that is known
        # to be owned here is never opened a second time.
        self._refuse_if_owned_here()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            other = _note(self._path)
            os.close(descriptor)
            raise LockedError(self._path, other) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, self._note, 0)
        status = os.fstat(descriptor)
        return (status.st_dev, status.st_ino), descriptor

    def _refuse_if_owned_here(self) -> None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return
        if (status.st_dev, status.st_ino) in _owned:
            raise LockedError(self._path, f"this process (pid {os.getpid()})")

    def check(self) -> None:
        """LockedError if the file was deleted, or another owner wrote a note into it.

        A network file system may forget a lock, and a person may delete the file of one that seems stuck.
        """
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            raise LockedError(self._path, "nobody: the lock's file is gone") from None
        is_same = (status.st_dev, status.st_ino) == self._identity
        if not is_same or os.pread(self._descriptor, len(self._note) + 1, 0) != self._note:
            raise LockedError(self._path, _note(self._path) if is_same else "another run, with a new lock")

    def renew(self) -> None:
        """The kernel keeps it."""

    def release(self) -> None:
        """Give the file up; again is harmless."""
        with _owned_guard:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                _owned.discard(self._identity)


def _note(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline().strip()

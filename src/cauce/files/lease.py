"""Owning an object for a while: a lock for machines that share nothing but an object store.

The holder replaces the object every few seconds, each time only if it is still the one it wrote. Whoever
wants it looks twice, a lease's length apart: if nothing has changed in between, the holder is gone, and the
object is replaced on the same condition, so that only one of several newcomers gets it. No clocks are
compared. A holder that was only frozen finds out at its next renewal, and can commit nothing meanwhile that
the new one committed: log files are created, never replaced.

A process of this machine that has ended is known to be gone without waiting.
"""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from pathlib import Path

from cauce.errors import SparkError
from cauce.files.bucket import Bucket
from cauce.files.lock import LockedError

__all__ = ["LEASE_S", "Lease"]

LEASE_S = 30.0
RENEWAL_S = 5.0

_owned: set[tuple[str, str]] = set()
"""What this process owns, by bucket and key."""
_owned_guard = threading.Lock()


class Lease:
    """Ownership of one object. It stays behind when released, marked as free."""

    renewal_s: float | None = RENEWAL_S
    """How often `renew` must be called."""

    def __init__(self, bucket: Bucket, key: str, holder: str, *, lease_s: float = LEASE_S) -> None:
        self._bucket, self._key, self._holder = bucket, key, holder
        self._lease_s = lease_s
        self._id = uuid.uuid4().hex
        self._guard = threading.Lock()
        """Renewing and releasing come from different threads."""
        self._path = f"{bucket.name}/{key}"
        self._held = True
        with _owned_guard:
            if (bucket.name, key) in _owned:
                raise LockedError(self._path, f"this process (pid {os.getpid()})")
            _owned.add((bucket.name, key))
        try:
            self._etag = self._take()
        except BaseException:
            self._forget()
            raise

    def check(self) -> None:
        """LockedError if somebody else has it now."""
        with self._guard:
            if not self._held or self._seen() != self._etag:
                raise self._locked()

    def renew(self) -> None:
        """LockedError if somebody else has it now."""
        with self._guard:
            if not self._held:
                return
            etag = self._bucket.replace(self._key, self._record(), self._etag)
            if etag is None:
                self._held = False
                self._forget()
                raise self._locked()
            self._etag = etag

    def release(self) -> None:
        """Give it up; again is harmless. If the store does not answer, the lease runs out by itself."""
        with self._guard:
            if not self._held:
                return
            self._held = False
            with contextlib.suppress(SparkError):
                self._bucket.replace(self._key, b'{"released":true}', self._etag)
            self._forget()

    def _take(self) -> str:
        try:
            etag = self._bucket.create(self._key, self._record())
        except FileExistsError:
            found, seen = self._read()
            self._wait_until_free(found, seen)
            etag = self._bucket.replace(self._key, self._record(), seen)
            if etag is None:
                raise self._locked() from None
        self._refuse_careless_store()
        return etag

    def _seen(self) -> str | None:
        try:
            return self._bucket.head(self._key).etag
        except FileNotFoundError:
            return None

    def _locked(self) -> LockedError:
        try:
            return LockedError(self._path, self._read()[0].get("holder", ""))
        except FileNotFoundError:
            return LockedError(self._path, "nobody: the lock's object is gone")

    def _wait_until_free(self, found: dict[str, str], etag: str) -> None:
        if found.get("released") or _has_ended(found):
            return
        if _is_here(found):
            raise LockedError(self._path, found.get("holder", ""))
        end = time.monotonic() + self._lease_s
        while time.monotonic() < end:
            time.sleep(self._lease_s / 20)
            if self._bucket.head(self._key).etag != etag:
                raise LockedError(self._path, found.get("holder", ""))

    def _refuse_careless_store(self) -> None:
        """A store that ignores the condition would let two runs commit one batch."""
        try:
            self._bucket.create(self._key, self._record())
        except FileExistsError:
            return
        raise SparkError("CAUCE_OBJECT_STORAGE.NO_CONDITIONAL_PUT", bucket=self._bucket.name)

    def _read(self) -> tuple[dict[str, str], str]:
        data, status = self._bucket.get_with_status(self._key)
        try:
            found = json.loads(data)
        except ValueError:
            found = {}
        return found if isinstance(found, dict) else {}, status.etag

    def _record(self) -> bytes:
        """Different every time, so that the object's etag is too."""
        record = {
            "holder": self._holder,
            "run": self._id,
            "host": _host(),
            "pid": os.getpid(),
            "born": _born(os.getpid()),
            "beat": uuid.uuid4().hex,
        }
        return json.dumps(record).encode()

    def _forget(self) -> None:
        with _owned_guard:
            _owned.discard((self._bucket.name, self._key))


def _host() -> str:
    """This machine since it was started, as far as processes are concerned: a container is one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()} {boot}".strip()


def _born(pid: int) -> str:
    """When a process began, in whatever way the machine counts; empty if there is none, or no telling."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_here(found: dict[str, str]) -> bool:
    return found.get("host") == _host()


def _has_ended(found: dict[str, str]) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    pid = found.get("pid")
    if not _is_here(found) or not isinstance(pid, int):
        return False
    if pid == os.getpid():
        return True  # What this process owns, it knows; this is what an earlier release could not take back.
    if found.get("born"):
        return _born(pid) != found["born"]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False

"""Tells from outside when each batch of a query was committed: when its `commits/N` appeared."""

import ctypes
import os
import select
import struct
import threading
import time
from pathlib import Path

__all__ = ["CommitWatch"]

IN_CREATE, IN_MOVED_TO = 0x100, 0x80
EVENT = struct.Struct("iIII")
READ_BYTES = 1 << 16
STOP_CHECK_MS = 200


class CommitWatch(threading.Thread):
    """Notes the moments between `start()` and `stop()`; cauce links a commit into place, Spark renames it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        folder.mkdir(parents=True, exist_ok=True)
        self._moments_s: list[float] = []
        self._stopping = False
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_CLOEXEC)
        watch = libc.inotify_add_watch(self._descriptor, os.fsencode(folder), IN_CREATE | IN_MOVED_TO)
        if watch < 0:
            raise OSError(ctypes.get_errno(), f"cannot watch {folder}")

    def run(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while not self._stopping:
            if poll.poll(STOP_CHECK_MS):
                moment_s = time.perf_counter()
                commits = sum(name.isdigit() for name in _names(os.read(self._descriptor, READ_BYTES)))
                self._moments_s.extend([moment_s] * commits)

    def stop(self) -> list[float]:
        """Milliseconds from each batch's commit to the next one's, in order."""
        self._stopping = True
        self.join()
        os.close(self._descriptor)
        pairs = zip(self._moments_s, self._moments_s[1:], strict=False)
        return [(later - earlier) * 1000 for earlier, later in pairs]


def _names(events: bytes) -> list[str]:
    names, position = [], 0
    while position < len(events):
        length = EVENT.unpack_from(events, position)[3]
        start = position + EVENT.size
        names.append(events[start : start + length].rstrip(b"\0").decode())
        position = start + length
    return names

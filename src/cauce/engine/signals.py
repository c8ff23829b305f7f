"""Keeps Ctrl-C for the program: Sail would end its server on the first one.

A program that wants to stop its queries in order when interrupted would find the engine gone. Python can set
handlers on the main thread only, and the engine may start on any, so the handler is kept in the form the C
library has it.
"""

import ctypes
import signal
import time

__all__ = ["InterruptHandler"]

SIGACTION_BYTES = 512
"""More than `struct sigaction` takes anywhere."""

REPLACED_WITHIN_S = 1.0
POLL_S = 0.0002


class InterruptHandler:
    """The handler of SIGINT as it was when this was made."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._kept = self._current()

    def restore_when_replaced(self) -> None:
        """Sail sets its handler, once a process, soon after it listens: wait for that and undo it."""
        last_moment = time.monotonic() + REPLACED_WITHIN_S
        while _function(self._current()) == _function(self._kept) and time.monotonic() < last_moment:
            time.sleep(POLL_S)
        self._libc.sigaction(int(signal.SIGINT), self._kept, None)

    def _current(self) -> "ctypes.Array[ctypes.c_char]":
        action = ctypes.create_string_buffer(SIGACTION_BYTES)
        self._libc.sigaction(int(signal.SIGINT), None, action)
        return action


def _function(action: "ctypes.Array[ctypes.c_char]") -> int | None:
    """Its address comes first; what follows is not all written by the C library."""
    return ctypes.c_void_p.from_buffer(action).value

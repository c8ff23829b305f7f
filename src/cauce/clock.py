"""Time as a thing that is passed in, so that a test can own it."""

import threading
import time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """Wall-clock milliseconds and an interruptible wait."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def wait(self, event: threading.Event, timeout_ms: int) -> bool:
        """Wait until `event` is set or `timeout_ms` of this clock have passed; True if it was set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def wait(self, event: threading.Event, timeout_ms: int) -> bool:
        return event.wait(timeout_ms / 1000)


class ManualClock:
    """A clock that moves only when a test advances it."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms
        self._moved = threading.Condition()

    def now_ms(self) -> int:
        with self._moved:
            return self._now_ms

    def advance_ms(self, delta_ms: int) -> None:
        with self._moved:
            self._now_ms += delta_ms
            self._moved.notify_all()

    def wait(self, event: threading.Event, timeout_ms: int) -> bool:
        with self._moved:
            deadline_ms = self._now_ms + timeout_ms
            while self._now_ms < deadline_ms and not event.is_set():
                # The event is not tied to this condition, so it is polled while time stands still.
                self._moved.wait(0.005)
        return event.is_set()

"""The event times of one segment in order, consumed from the front as the watermark advances."""

import numpy as np
import pyarrow as pa

__all__ = ["NEVER_US", "ExpiryOrder", "event_times"]

NEVER_US = np.iinfo(np.int64).max


def event_times(column: pa.Array) -> np.ndarray:
    """Microseconds, int64[n]; a null never expires."""
    column = column.cast(pa.int64())
    if column.null_count:
        column = column.fill_null(NEVER_US)
    return column.to_numpy()


class ExpiryOrder:
    """Sorted only when a part of the segment expires; each row is passed over once."""

    def __init__(self, times: np.ndarray) -> None:
        self._times = times
        self._order: np.ndarray | None = None
        self._next = 0
        self.next_us = int(times.min()) if len(times) else NEVER_US

    @property
    def memory_bytes(self) -> int:
        return 0 if self._order is None else self._order.nbytes

    def due(self, threshold_us: int) -> np.ndarray:
        """Offsets of the rows that were not consumed yet and whose time is not after the threshold."""
        order = self._sorted()
        return order[self._next : self._end(threshold_us)]

    def consume(self, threshold_us: int) -> None:
        """Pass over the rows that are due."""
        self._next = self._end(threshold_us)
        order = self._sorted()
        self.next_us = int(self._times[order[self._next]]) if self._next < len(order) else NEVER_US

    def _end(self, threshold_us: int) -> int:
        return int(self._times.searchsorted(min(threshold_us, NEVER_US - 1), "right", sorter=self._sorted()))

    def _sorted(self) -> np.ndarray:
        if self._order is None:
            self._order = np.argsort(self._times, kind="stable")
        return self._order

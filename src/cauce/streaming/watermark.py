"""Event-time watermarks: how far behind the newest event a query still waits for late ones.

Follows WatermarkTracker.scala and EventTimeWatermarkExec.scala of Apache Spark 4.2. Every `withWatermark`
is a node that remembers the newest event time it has seen minus its delay. The query's watermark is
the smallest (or, on request, the largest) of them, and only rises.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cauce.errors import IllegalArgumentException
from cauce.streaming.progress import format_timestamp

__all__ = ["EventTimeStats", "WatermarkTracker"]

POLICIES = {"min": min, "max": max}
"""The values of `spark.sql.streaming.multipleWatermarkPolicy`."""


@dataclass(frozen=True)
class EventTimeStats:
    """The event times of one node in one batch, in milliseconds since the epoch."""

    count: int = 0
    max_ms: int = 0
    min_ms: int = 0
    avg_ms: float = 0.0

    @classmethod
    def of(cls, event_times: pa.ChunkedArray | pa.Array) -> "EventTimeStats":
        """Statistics of a timestamp[us] column; a null counts as time zero, as in Spark."""
        if not len(event_times):
            return cls()
        seen = cls()
        for chunk in event_times.chunks if isinstance(event_times, pa.ChunkedArray) else [event_times]:
            seen = seen.plus(cls._of_chunk(chunk))
        return seen

    @classmethod
    def _of_chunk(cls, event_times: pa.Array) -> "EventTimeStats":
        if not len(event_times):
            return cls()
        times = event_times.cast(pa.int64())
        times_us = (times.fill_null(0) if times.null_count else times).to_numpy()
        lowest_ms, highest_ms = int(times_us.min()) // 1000, int(times_us.max()) // 1000
        # Every time is floored to a millisecond before it is averaged.
        avg_ms = lowest_ms + float(np.mean(times_us // 1000 - lowest_ms))
        return cls(len(times_us), highest_ms, lowest_ms, avg_ms)

    def plus(self, other: "EventTimeStats") -> "EventTimeStats":
        """The statistics of both together."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        avg_ms = self.avg_ms + (other.avg_ms - self.avg_ms) * other.count / count
        return EventTimeStats(count, max(self.max_ms, other.max_ms), min(self.min_ms, other.min_ms), avg_ms)

    def json_value(self) -> dict[str, str]:
        """As `eventTime` of progress JSON; empty without events."""
        if not self.count:
            return {}
        times_ms = {"avg": int(self.avg_ms), "max": self.max_ms, "min": self.min_ms}
        return {name: format_timestamp(time_ms) for name, time_ms in times_ms.items()}


class WatermarkTracker:
    """The watermark of one query. Nodes are numbered in plan order; `delays_ms[node]` is a node's delay.

    Only the global value survives a restart: each node starts again without data, which counts as 0.
    """

    def __init__(self, delays_ms: Sequence[int], policy: str = "min", watermark_ms: int = 0) -> None:
        self.watermark_ms = max(watermark_ms, 0)
        """The global watermark, in milliseconds since the epoch."""
        self._delays_ms = tuple(delays_ms)
        self._choose = POLICIES[_check_policy(policy)]
        self._nodes_ms: list[int | None] = [None] * len(self._delays_ms)
        self._batch: dict[int, EventTimeStats] = {}

    @property
    def is_used(self) -> bool:
        """Whether the query has a watermark at all."""
        return bool(self._delays_ms)

    def restore(self, watermark_ms: int) -> None:
        """Take over the global value a checkpoint holds."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)

    def begin_batch(self) -> None:
        """Forget what an earlier, perhaps failed, batch observed."""
        self._batch = {}

    def observe(self, node: int, event_times: pa.ChunkedArray | pa.Array) -> None:
        """Take note of the event times that pass a node."""
        self._batch[node] = self._batch.get(node, EventTimeStats()).plus(EventTimeStats.of(event_times))

    def advance(self) -> int:
        """Raise the watermark by what the batch observed; the new global value."""
        for node, seen in self._batch.items():
            if seen.count:
                reached_ms = seen.max_ms - self._delays_ms[node]
                before_ms = self._nodes_ms[node]
                self._nodes_ms[node] = reached_ms if before_ms is None else max(before_ms, reached_ms)
        if self.is_used:
            self.restore(self._choose(node_ms or 0 for node_ms in self._nodes_ms))
        return self.watermark_ms

    def statistics(self) -> dict[str, str]:
        """`avg`, `max` and `min` for progress JSON: those of the first node that saw events."""
        observed = (self._batch[node] for node in sorted(self._batch))
        return next((seen.json_value() for seen in observed if seen.count), {})


def _check_policy(name: str) -> str:
    """The policy in lower case; Spark's error if there is none of that name."""
    policy = name.lower()
    if policy not in POLICIES:
        raise IllegalArgumentException(None, f"Could not recognize watermark policy '{name}'")
    return policy

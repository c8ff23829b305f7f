"""What a stateful operator tells about one batch: one entry of progress JSON's `stateOperators`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cauce.state import StateStore

__all__ = ["OperatorMetrics"]


@dataclass
class OperatorMetrics:
    """Counters of one operator in one batch; durations in milliseconds.

    Fields and their meaning: StateOperatorProgress in progress.scala of Apache Spark 4.2.
    """

    operator_name: str
    rows_updated: int = 0
    rows_removed: int = 0
    rows_dropped_by_watermark: int = 0
    updates_ms: float = 0.0
    removals_ms: float = 0.0
    custom: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def timed_updates(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.updates_ms += (time.perf_counter() - began) * 1000

    @contextmanager
    def timed_removals(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.removals_ms += (time.perf_counter() - began) * 1000

    def json_value(self, *stores: StateStore) -> dict[str, Any]:
        """The entry, once the batch's state is committed."""
        return {
            "operatorName": self.operator_name,
            "numRowsTotal": sum(store.num_rows for store in stores),
            "numRowsUpdated": self.rows_updated,
            "allUpdatesTimeMs": int(self.updates_ms),
            "numRowsRemoved": self.rows_removed,
            "allRemovalsTimeMs": int(self.removals_ms),
            "commitTimeMs": int(sum(store.metrics.commit_ms for store in stores)),
            "memoryUsedBytes": sum(store.memory_bytes for store in stores),
            "numRowsDroppedByWatermark": self.rows_dropped_by_watermark,
            # A store is not split in partitions.
            "numShufflePartitions": 1,
            "numStateStoreInstances": len(stores),
            "customMetrics": dict(sorted(self.custom.items())),
        }

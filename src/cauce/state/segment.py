"""One stretch of the log in memory: its rows, which of them are dead, and which earlier rows it killed."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from cauce.state.expiry import ExpiryOrder, event_times

__all__ = ["NO_POSITIONS", "Segment", "concat"]

NO_POSITIONS = np.empty(0, dtype=np.int64)


@dataclass(eq=False)
class Segment:
    """Rows at the log's positions `base` to `end`; without a name they are not committed yet."""

    base: int
    keys: pa.RecordBatch
    values: pa.RecordBatch
    dead: np.ndarray
    live: int
    kills: np.ndarray = field(default_factory=lambda: NO_POSITIONS)
    name: str = ""
    checksum: int = 0
    size_bytes: int = 0
    place: tuple[int, int] = (0, 0)
    """Where in the file the rows are: offset and length."""
    rewritten: int = 0
    """How many of the last rows were only moved here by compaction."""
    mapped: bool = False
    """Whether the rows are read through a memory map of the file instead of the heap."""
    expiry: ExpiryOrder | None = None

    @classmethod
    def of(cls, base: int, keys: pa.RecordBatch, values: pa.RecordBatch) -> "Segment":
        """All rows live."""
        return cls(base, keys, values, np.zeros(len(keys), dtype=bool), len(keys))

    @property
    def end(self) -> int:
        return self.base + len(self.dead)

    @property
    def memory_bytes(self) -> int:
        rows = 0 if self.mapped else self.size_bytes or self.keys.nbytes + self.values.nbytes
        return rows + self.dead.nbytes + (self.expiry.memory_bytes if self.expiry else 0)

    def track_expiry(self, column: int) -> None:
        """`column` counts keys, then values."""
        keys = self.keys.num_columns
        array = self.keys.column(column) if column < keys else self.values.column(column - keys)
        self.expiry = ExpiryOrder(event_times(array))

    def live_offsets(self) -> np.ndarray:
        return np.flatnonzero(~self.dead)


def concat(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch of several with the same schema."""
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]

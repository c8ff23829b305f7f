"""The named limits of a state store, and the counters it reports for progress."""

from dataclasses import dataclass

__all__ = ["StateMetrics", "StateOptions"]


@dataclass(frozen=True)
class StateOptions:
    """Limits of one store; each has a name so that it can be found and changed."""

    memory_budget_bytes: int = 256 << 20
    """Rows kept on the heap; beyond it segments are read through memory maps of their files."""
    merge_width: int = 8
    """As many small segments of one size are merged into one."""
    small_segment_rows: int = 16_384
    """Segments with fewer live rows are merged; larger ones are only rid of dead rows."""
    rows_ratio_max: float = 2.5
    """Rows on disk per live row, above which segments with many dead rows are rewritten."""
    rewrite_rows_min: int = 8_192
    """A commit may rewrite this many rows to get rid of dead ones, or twice the rows it changed if more."""
    allow_added_fields: bool = False
    """Whether a restart may append nullable fields to the value; old rows have nulls there. Spark refuses."""


@dataclass
class StateMetrics:
    """Counters of the last batch, that is up to and with its commit."""

    rows_updated: int = 0
    rows_removed: int = 0
    commit_ms: float = 0.0
    bytes_written: int = 0
    rows_rewritten: int = 0
    """Live rows copied by compaction."""

"""The named limits of a state store, and the counters it reports for progress."""

from dataclasses import dataclass

__all__ = ["StateMetrics", "StateOptions"]


@dataclass(frozen=True)
class StateOptions:
    """Limits of one store; every one of them has a name so that it can be found and changed."""

    memory_budget_bytes: int = 256 << 20
    """Rows kept on the heap; beyond it segments are read through memory maps of their files."""


@dataclass
class StateMetrics:
    """Counters since the last commit began to fill; `commit` freezes them until the next change."""

    rows_updated: int = 0
    rows_removed: int = 0
    commit_ms: float = 0.0
    bytes_written: int = 0

"""What a stateful operator is: rows of a batch in, rows out, state remembered in a store."""

from typing import Protocol

import pyarrow as pa

from cauce.state.store import StateStore
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.operators.operator_metrics import OperatorMetrics

__all__ = ["StatefulOperator"]


class StatefulOperator(Protocol):
    """No I/O, no clock, no threads: everything lasting goes through the store handed in."""

    operator_name: str
    """Spark's operatorName, for example `stateStoreSave`."""
    key_schema: pa.Schema
    value_schema: pa.Schema
    event_time: str | None
    """The column of the store that orders eviction (int64 microseconds)."""
    multi_row: bool
    """Whether the store holds several rows per key."""
    output_schema: pa.Schema

    @property
    def layout(self) -> StoreLayout:
        """How the store reads."""
        ...

    def process(
        self,
        batch: pa.Table,
        state: StateStore,
        *,
        late_watermark_us: int | None,
        eviction_watermark_us: int | None,
        output_mode: str,
    ) -> tuple[pa.Table, OperatorMetrics]:
        """One batch: drop late rows, update state, give the output, evict. The caller commits."""
        ...

    def should_run_another_batch(
        self, new_watermark_us: int | None, last_watermark_us: int | None, output_mode: str
    ) -> bool:
        """Whether a batch without data would give or evict something under the new watermark."""
        ...

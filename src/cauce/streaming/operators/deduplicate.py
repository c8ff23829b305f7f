"""dropDuplicates and dropDuplicatesWithinWatermark: the first row of every key passes.

Follows StreamingDeduplicateExec and StreamingDeduplicateWithinWatermarkExec (statefulOperators.scala of
Apache Spark 4.2).
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.state import StateStore
from cauce.streaming.operators.aggregates.grouping import group_by
from cauce.streaming.operators.aggregates.rows import Request, Rows
from cauce.streaming.operators.kernels import Column, pc
from cauce.streaming.operators.keys import EVENT_TIME, GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, key_parts
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.physical import physical

__all__ = ["StreamingDeduplicate", "StreamingDeduplicateWithinWatermark"]


class StreamingDeduplicate:
    """Keys are remembered for ever, unless the event time is one of them.

    `event_time` is the column of the input that carries the watermark, key or not: it makes rows late.
    """

    operator_name = "dedupe"
    multi_row = False
    value_part = Part("__dummy__", pa.null(), Source("nothing"))

    def __init__(
        self, input_schema: pa.Schema, keys: Sequence[str], event_time: str | None, schema: StructType
    ) -> None:
        self.schema = schema
        self.output_schema = input_schema
        self.keys = GroupKeys.of(input_schema, keys, event_time if event_time in keys else None)
        self.key_schema = self.keys.schema
        self.value_schema = pa.schema([pa.field(EVENT_TIME, pa.int64())])
        self.event_time: str | None = EVENT_TIME
        self._time_column = event_time

    @property
    def layout(self) -> StoreLayout:
        keys = self.keys.in_utc()
        parts = key_parts(keys.names, keys)
        return StoreLayout(keys, self.value_schema, parts, (self.value_part,), self.event_time)

    def process(
        self,
        batch: pa.Table,
        state: StateStore,
        *,
        late_watermark_us: int | None,
        eviction_watermark_us: int | None,
        output_mode: str,
    ) -> tuple[pa.Table, OperatorMetrics]:
        """The rows whose keys are new. The caller commits the state."""
        metrics = OperatorMetrics(self.operator_name)
        with metrics.timed_updates():
            rows = self._drop_late(batch, late_watermark_us, metrics)
            new_rows = self._remember(rows, state)
            metrics.rows_updated = new_rows.num_rows
            metrics.custom["numDroppedDuplicateRows"] = rows.num_rows - new_rows.num_rows
        with metrics.timed_removals():
            if eviction_watermark_us is not None:
                metrics.rows_removed = state.evict(eviction_watermark_us).num_rows
        return new_rows, metrics

    def should_run_another_batch(
        self, new_watermark_us: int | None, last_watermark_us: int | None, output_mode: str
    ) -> bool:
        """Whether a batch without data is worth running: its watermark could evict keys."""
        if new_watermark_us is None or last_watermark_us is None:
            return False
        return new_watermark_us > last_watermark_us

    def _drop_late(self, batch: pa.Table, watermark_us: int | None, metrics: OperatorMetrics) -> pa.Table:
        times = self._times_us(batch)
        if times is None or watermark_us is None:
            return batch
        kept = batch.filter(pc.invert(pc.fill_null(pc.less_equal(times, watermark_us), False)))
        metrics.rows_dropped_by_watermark = batch.num_rows - kept.num_rows
        return kept

    def _remember(self, rows: pa.Table, state: StateStore) -> pa.Table:
        """The first row of every key that the state does not hold yet, in their order."""
        if not rows.num_rows:
            return rows
        positions = Rows(rows, {"position": pa.array(np.arange(rows.num_rows, dtype=np.int64))})
        first = Request("position", "min")
        keys, results = group_by(self.keys.flatten(rows), positions, [first])
        is_new = pa.array(~state.get(keys)[0])
        new_rows = rows.take(results[first].filter(is_new))
        new_keys = keys.filter(is_new)
        expiry = self._expiry_us(new_keys, new_rows)
        state.put(new_keys, pa.table([expiry], schema=self.value_schema))
        return new_rows

    def _expiry_us(self, keys: pa.Table, rows: pa.Table) -> Column:
        """When a key is forgotten: never, if the event time is no part of it."""
        times = self.keys.event_time_us(keys)
        return pa.nulls(keys.num_rows, pa.int64()) if times is None else times

    def _times_us(self, rows: pa.Table) -> Column | None:
        if self._time_column is None:
            return None
        times = rows.column(self._time_column)
        return physical(pc.struct_field(times, 1) if pa.types.is_struct(times.type) else times)


class StreamingDeduplicateWithinWatermark(StreamingDeduplicate):
    """Keys are remembered until the watermark passes their first row's time plus the delay."""

    operator_name = "dedupeWithinWatermark"
    value_part = Part("expiresAtMicros", pa.int64(), Source("column", EVENT_TIME))

    def __init__(
        self, input_schema: pa.Schema, keys: Sequence[str], event_time: str, delay_ms: int, schema: StructType
    ) -> None:
        super().__init__(input_schema, keys, event_time, schema)
        self._delay_us = delay_ms * 1000

    def _expiry_us(self, keys: pa.Table, rows: pa.Table) -> Column:
        # A null event time counts as time zero, as Spark reads it.
        return pc.add(pc.fill_null(self._times_us(rows), 0), self._delay_us)

"""Streaming aggregation: groups that live longer than a batch, in append, update or complete mode.

Follows StateStoreRestoreExec and StateStoreSaveExec (statefulOperators.scala of Apache Spark 4.2): rows
are grouped within the batch first, late groups are dropped then, the others are merged with what the
state remembers, and the output mode says what leaves.
"""

from collections.abc import Sequence
from functools import cached_property

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.state import StateStore
from cauce.streaming.operators.aggregates import AggregateCall, Buffers, Rows, build
from cauce.streaming.operators.aggregates.grouping import group_by
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.operator_metrics import OperatorMetrics

__all__ = ["StreamingAggregate"]

EVENT_TIME = "event_time_us"
"""The value column that eviction is ordered by."""


class StreamingAggregate:
    """GROUP BY `keys` with `calls`. It holds no rows itself: what it remembers is in the state store.

    `event_time_key` is the key that carries the watermark: a window or a raw timestamp.
    """

    operator_name = "stateStoreSave"

    def __init__(
        self,
        input_schema: pa.Schema,
        keys: Sequence[str],
        calls: Sequence[AggregateCall],
        event_time_key: str | None,
        schema: StructType,
    ) -> None:
        types = tuple(input_schema.field(name).type for name in keys)
        self.schema = schema
        self.keys = GroupKeys(tuple(keys), types, event_time_key)
        self.calls = tuple(calls)
        self.aggregates = [build(call) for call in calls]

    @property
    def key_schema(self) -> pa.Schema:
        return self.keys.schema

    @cached_property
    def value_schema(self) -> pa.Schema:
        """Each call's buffers in order, and the event time if there is one to evict by."""
        fields = [
            pa.field(f"b{i}_{j}", kind)
            for i, aggregate in enumerate(self.aggregates)
            for j, kind in enumerate(aggregate.buffer_types)
        ]
        return pa.schema([*fields, pa.field(EVENT_TIME, pa.int64())] if self.event_time else fields)

    @property
    def event_time(self) -> str | None:
        """The value column to open the state store with."""
        return EVENT_TIME if self.keys.event_time else None

    @cached_property
    def output_schema(self) -> pa.Schema:
        keys = zip(self.keys.names, self.keys.types, strict=True)
        return pa.schema([*keys, *((call.output, call.output_type) for call in self.calls)])

    def process(
        self,
        batch: pa.Table,
        state: StateStore,
        *,
        late_watermark_us: int | None,
        eviction_watermark_us: int | None,
        output_mode: str,
    ) -> tuple[pa.Table, OperatorMetrics]:
        """The rows that leave in this batch. The caller commits the state."""
        metrics = OperatorMetrics(self.operator_name)
        with metrics.timed_updates():
            keys, values = self._partial(batch)
            if output_mode != "complete":
                keys, values = self._drop_late(keys, values, late_watermark_us, metrics)
            values = self._update(keys, values, state, metrics)
        with metrics.timed_removals():
            rows = self._emit(keys, values, state, eviction_watermark_us, output_mode, metrics)
        return rows, metrics

    def should_run_another_batch(
        self, new_watermark_us: int | None, last_watermark_us: int | None, output_mode: str
    ) -> bool:
        """Whether a batch without data is worth running: its watermark could evict groups."""
        if output_mode == "complete" or new_watermark_us is None or last_watermark_us is None:
            return False
        return new_watermark_us > last_watermark_us

    def _partial(self, batch: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Keys and buffers of this batch alone."""
        if not self.keys.names and not batch.num_rows:
            # Without keys there is one group even when there are no rows.
            return self.keys.flatten(pa.table({"": [0]})), self._nothing_seen(1)
        rows = Rows(batch)
        requests = [aggregate.prepare(rows) for aggregate in self.aggregates]
        flat = [request for group in requests for request in group]
        keys, results = group_by(self.keys.flatten(batch), rows, flat)
        buffers: Buffers = []
        for aggregate, wanted in zip(self.aggregates, requests, strict=True):
            buffers += aggregate.partial(rows, [results[request] for request in wanted])
        return keys, self._values(keys, buffers)

    def _drop_late(
        self, keys: pa.Table, values: pa.Table, watermark_us: int | None, metrics: OperatorMetrics
    ) -> tuple[pa.Table, pa.Table]:
        if self.event_time is None or watermark_us is None or not keys.num_rows:
            return keys, values
        late = pc.fill_null(pc.less_equal(values.column(EVENT_TIME), watermark_us), False)
        dropped = pc.sum(late).as_py()
        metrics.rows_dropped_by_watermark += dropped
        if not dropped:
            return keys, values
        kept = pc.invert(late)
        return keys.filter(kept).combine_chunks(), values.filter(kept).combine_chunks()

    def _update(
        self, keys: pa.Table, values: pa.Table, state: StateStore, metrics: OperatorMetrics
    ) -> pa.Table:
        """The values merged with what the state holds, and stored."""
        if not keys.num_rows:
            return values
        found, old = state.get(keys)
        if found.any():
            values = self._merge(keys, old, values)
        state.put(keys, values)
        metrics.rows_updated += keys.num_rows
        return values

    def _emit(
        self,
        keys: pa.Table,
        values: pa.Table,
        state: StateStore,
        watermark_us: int | None,
        output_mode: str,
        metrics: OperatorMetrics,
    ) -> pa.Table:
        if output_mode == "complete":
            return self._finish(pa.concat_tables(state.scan()))
        evicted = self._evict(state, watermark_us)
        metrics.rows_removed += evicted.num_rows
        if output_mode == "append":
            return self._finish(evicted)
        return self._finish(pa.table([*keys.columns, *values.columns], schema=self._row_schema))

    def _evict(self, state: StateStore, watermark_us: int | None) -> pa.Table:
        if self.event_time is None or watermark_us is None:
            return self._row_schema.empty_table()
        return state.evict(watermark_us)

    def _merge(self, keys: pa.Table, old: pa.Table, new: pa.Table) -> pa.Table:
        old_buffers, new_buffers, merged = _arrays(old), _arrays(new), []
        for aggregate in self.aggregates:
            start, end = len(merged), len(merged) + len(aggregate.buffer_types)
            merged += aggregate.merge(old_buffers[start:end], new_buffers[start:end])
        return self._values(keys, merged)

    def _finish(self, rows: pa.Table) -> pa.Table:
        """Keys and results as the query declared them."""
        columns = list(self.keys.restore(rows)) if self.keys.names else []
        buffers, start = _arrays(rows)[len(self.key_schema) :], 0
        for aggregate in self.aggregates:
            end = start + len(aggregate.buffer_types)
            columns.append(aggregate.finish(buffers[start:end]).cast(aggregate.call.output_type))
            start = end
        return pa.table(columns, schema=self.output_schema)

    def _values(self, keys: pa.Table, buffers: Buffers) -> pa.Table:
        times = self.keys.event_time_us(keys)
        return pa.table([*buffers, times] if times is not None else buffers, schema=self.value_schema)

    def _nothing_seen(self, count: int) -> pa.Table:
        return pa.table(
            [pa.nulls(count, field.type) for field in self.value_schema], schema=self.value_schema
        )

    @cached_property
    def _row_schema(self) -> pa.Schema:
        return pa.schema([*self.key_schema, *self.value_schema])


def _arrays(table: pa.Table) -> list[pa.Array]:
    return [column.combine_chunks() for column in table.columns]

"""Streaming aggregation: groups that live longer than a batch, in append, update or complete mode.

Follows StateStoreRestoreExec and StateStoreSaveExec (statefulOperators.scala of Apache Spark 4.2): rows
are grouped within the batch first, late groups are dropped then, the others are merged with what the
state remembers, and the output mode says what leaves.
"""

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.state import StateStore
from cauce.streaming.operators.aggregates import AggregateCall, Aggregation
from cauce.streaming.operators.aggregates.rows import Buffers
from cauce.streaming.operators.aggregates.spark_buffers import buffer_parts
from cauce.streaming.operators.changes import Changes
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.keys import EVENT_TIME, GroupKeys
from cauce.streaming.operators.layout import StoreLayout, key_parts
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.physical import one_piece

__all__ = ["StreamingAggregate"]

EVENT_TIME_FIELD = pa.field(EVENT_TIME, pa.int64())


class StreamingAggregate:
    """GROUP BY `keys` with `calls`. It holds no rows itself: what it remembers is in the state store.

    `event_time_key` is the key that carries the watermark: a window or a raw timestamp.
    """

    operator_name = "stateStoreSave"
    multi_row = False

    def __init__(
        self,
        input_schema: pa.Schema,
        keys: Sequence[str],
        calls: Sequence[AggregateCall],
        event_time_key: str | None,
        schema: StructType,
        titles: Sequence[str] | None = None,
    ) -> None:
        """`titles` are the names of the keys that a user knows."""
        self.schema = schema
        self._titles = tuple(titles or keys)
        self.keys = GroupKeys.of(input_schema, keys, event_time_key)
        self.aggregation = Aggregation(calls)
        self.event_time = None if event_time_key is None else EVENT_TIME
        fields = self.aggregation.buffer_fields
        self.key_schema = self.keys.schema
        self.value_schema = pa.schema(fields if event_time_key is None else [*fields, EVENT_TIME_FIELD])
        self.output_schema = pa.schema([*self.keys.fields, *((c.output, c.output_type) for c in calls)])
        self._row_schema = pa.schema([*self.key_schema, *self.value_schema])
        self._no_rows = self._row_schema.empty_table()
        self._nothing = self.output_schema.empty_table()

    @property
    def layout(self) -> StoreLayout:
        keys = self.keys.in_utc()
        return StoreLayout(
            keys,
            self.value_schema,
            key=key_parts(self._titles, keys),
            value=buffer_parts(self.aggregation),
            event_time=self.event_time,
        )

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

    def update(
        self,
        batch: pa.Table,
        state: StateStore,
        *,
        late_watermark_us: int | None,
        eviction_watermark_us: int | None,
    ) -> tuple[Changes, OperatorMetrics]:
        """Update mode's rows, and those they replace. The caller commits the state."""
        metrics = OperatorMetrics(self.operator_name)
        with metrics.timed_updates():
            keys, values = self._drop_late(*self._partial(batch), late_watermark_us, metrics)
            replaced = self._remembered(keys, state)
            values = self._update(keys, values, state, metrics)
        with metrics.timed_removals():
            rows = self._emit(keys, values, state, eviction_watermark_us, "update", metrics)
        return Changes(rows, replaced), metrics

    def should_run_another_batch(
        self, new_watermark_us: int | None, last_watermark_us: int | None, output_mode: str
    ) -> bool:
        """Whether a batch without data is worth running: its watermark could evict groups."""
        if output_mode == "complete" or new_watermark_us is None or last_watermark_us is None:
            return False
        return new_watermark_us > last_watermark_us

    def _partial(self, batch: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Keys and values of this batch alone."""
        if not self.keys.names and not batch.num_rows:
            # Without keys there is one group even when there are no rows.
            nothing = [pa.nulls(1, field.type) for field in self.value_schema]
            return self.keys.flatten(pa.table({"row": [0]})), pa.table(nothing, schema=self.value_schema)
        keys, buffers = self.aggregation.partial(self.keys.flatten(batch), batch)
        return keys, self._values(keys, buffers)

    def _drop_late(
        self, keys: pa.Table, values: pa.Table, watermark_us: int | None, metrics: OperatorMetrics
    ) -> tuple[pa.Table, pa.Table]:
        if self.event_time is None or watermark_us is None or not keys.num_rows:
            return keys, values
        late = pc.less_equal(one_piece(values.column(EVENT_TIME)), watermark_us)
        metrics.rows_dropped_by_watermark = late.true_count
        if not late.true_count:
            return keys, values
        kept = pc.invert(pc.fill_null(late, False))
        return keys.filter(kept).combine_chunks(), values.filter(kept).combine_chunks()

    def _remembered(self, keys: pa.Table, state: StateStore) -> pa.Table:
        """What was said last of those keys."""
        found, old = state.get(keys)
        rows = pa.table([*keys.columns, *old.columns], schema=_nullable(self._row_schema))
        return self._finish(rows.filter(pa.array(found)).combine_chunks())

    def _update(
        self, keys: pa.Table, values: pa.Table, state: StateStore, metrics: OperatorMetrics
    ) -> pa.Table:
        """The values merged with what the state holds, and stored."""
        if not keys.num_rows:
            return values
        found, old = state.get(keys)
        if found.any():
            values = self._values(keys, self.aggregation.merge(_arrays(old), _arrays(values)))
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
            return self._no_rows
        return state.evict(watermark_us)

    def _finish(self, rows: pa.Table) -> pa.Table:
        """Keys and results as the query declared them."""
        if not rows.num_rows:
            return self._nothing
        buffers = _arrays(rows)[len(self.key_schema) :]
        return pa.table(
            [*self.keys.restore(rows), *self.aggregation.finish(buffers)], schema=self.output_schema
        )

    def _values(self, keys: pa.Table, buffers: Buffers) -> pa.Table:
        times = self.keys.event_time_us(keys)
        return pa.table(buffers if times is None else [*buffers, times], schema=self.value_schema)


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _arrays(table: pa.Table) -> list[pa.Array]:
    return [one_piece(column) for column in table.columns]

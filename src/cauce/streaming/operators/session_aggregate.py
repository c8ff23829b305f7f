"""Aggregation over session windows: groups whose windows grow and merge as events arrive.

Follows SessionWindowStateStoreRestoreExec, MergingSessionsExec and SessionWindowStateStoreSaveExec of Apache
Spark 4.2: every row starts as a session of its own; late ones are dropped before they can join an older
session; then the sessions of a key, stored and new, merge wherever they touch.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.state import StateStore
from cauce.streaming.operators.aggregates import AggregateCall, Aggregation
from cauce.streaming.operators.aggregates.spark_buffers import buffer_parts
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, key_parts
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.physical import in_utc, logical, one_piece, physical
from cauce.streaming.operators.sessions import Sessions, merge_sessions

__all__ = ["StreamingSessionAggregate"]

START, END = "session_start_us", "session_end_us"
BOUNDS = [pa.field(START, pa.int64()), pa.field(END, pa.int64())]


class StreamingSessionAggregate:
    """GROUP BY `keys` with `calls`, where the key `session_key` holds each row's own session.

    `is_watermarked` says whether the sessions are over the column that carries the watermark. The state
    has one row per session under its key, so that its store holds several rows per key.
    """

    operator_name = "sessionWindowStateStoreSaveExec"
    multi_row = True
    event_time: str | None = END

    def __init__(
        self,
        input_schema: pa.Schema,
        keys: Sequence[str],
        calls: Sequence[AggregateCall],
        session_key: str,
        schema: StructType,
        *,
        is_watermarked: bool,
        titles: Sequence[str] | None = None,
    ) -> None:
        """`titles` are the names of the keys that a user knows."""
        self._titles = dict(zip(keys, titles or keys, strict=True))
        self.schema = schema
        self.aggregation = Aggregation(calls)
        self.keys = GroupKeys.of(input_schema, [name for name in keys if name != session_key], None)
        self.key_schema = self.keys.schema
        self.value_schema = pa.schema([*BOUNDS, *self.aggregation.buffer_fields])
        fields = [input_schema.field(name) for name in keys]
        self.output_schema = pa.schema([*fields, *((call.output, call.output_type) for call in calls)])
        self._names, self._session_key = tuple(keys), session_key
        self._is_watermarked = is_watermarked
        self._row_schema = pa.schema([*self.key_schema, *self.value_schema])
        self._nothing = self.output_schema.empty_table()

    @property
    def layout(self) -> StoreLayout:
        """As in Spark the key ends with the session's start, the value begins with all grouping columns."""
        keys = self.keys.in_utc()
        key = key_parts([self._titles[name] for name in keys.names], keys)
        window = in_utc(self.output_schema.field(self._session_key).type)
        start, end = window.field(0), window.field(1)
        bounds = tuple(
            Part(bound.name, bound.type, Source("column", name))
            for bound, name in ((start, START), (end, END))
        )
        session = Part(self._titles[self._session_key], window, Source("struct", parts=bounds))
        own = dict(zip(keys.names, key, strict=True))
        grouping = [session if name == self._session_key else own[name] for name in self._names]
        return StoreLayout(
            keys,
            self.value_schema,
            key=(*key, Part("sessionStartTime", start.type, Source("column", START))),
            value=(*grouping, *buffer_parts(self.aggregation)),
            event_time=self.event_time,
            multi_row=True,
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
        """The sessions that leave in this batch. The caller commits the state."""
        metrics = OperatorMetrics(self.operator_name)
        with metrics.timed_updates():
            rows = self._drop_late(self._partial(batch), late_watermark_us, metrics)
            if rows.num_rows:
                self._update(rows, state, metrics)
        with metrics.timed_removals():
            if output_mode == "complete":
                return self._finish(pa.concat_tables(state.scan())), metrics
            evicted = self._evict(state, eviction_watermark_us)
            metrics.rows_removed += evicted.num_rows
        return self._finish(evicted), metrics

    def should_run_another_batch(
        self, new_watermark_us: int | None, last_watermark_us: int | None, output_mode: str
    ) -> bool:
        """Whether a batch without data is worth running: its watermark could evict sessions."""
        if output_mode == "complete" or new_watermark_us is None or last_watermark_us is None:
            return False
        return new_watermark_us > last_watermark_us

    def _partial(self, batch: pa.Table) -> pa.Table:
        """The sessions of the batch, those of equal key and bounds as one: keys, bounds and buffers."""
        flat = self.keys.flatten(batch)
        window = batch.column(self._session_key)
        for i, field in enumerate(BOUNDS):
            flat = flat.append_column(field, physical(pc.struct_field(window, i)))
        groups, buffers = self.aggregation.partial(flat, batch)
        return pa.table([*groups.columns, *buffers], schema=self._row_schema)

    def _drop_late(self, rows: pa.Table, watermark_us: int | None, metrics: OperatorMetrics) -> pa.Table:
        if not self._is_watermarked or watermark_us is None:
            return rows
        kept = rows.filter(pc.greater(rows.column(END), watermark_us))
        metrics.rows_dropped_by_watermark = rows.num_rows - kept.num_rows
        return kept

    def _update(self, rows: pa.Table, state: StateStore, metrics: OperatorMetrics) -> None:
        """Merge with the stored sessions of the same keys, which the result replaces."""
        new_keys = rows.select(self.key_schema.names)
        keys = new_keys.group_by(new_keys.column_names, use_threads=False).aggregate([])
        key_index, stored = state.get_all(keys)
        old = self._sessions(key_index, stored)
        new = self._sessions(_index_in(keys, new_keys), rows.select(self.value_schema.names))
        merged = merge_sessions(old, new, self.aggregation)
        state.remove(keys)
        values = pa.table([merged.starts, merged.ends, *merged.buffers], schema=self.value_schema)
        state.put(keys.take(pa.array(merged.owners)), values)
        metrics.rows_updated = len(merged.owners)
        metrics.rows_removed = old.count_gone(merged)

    def _sessions(self, owners: np.ndarray, values: pa.Table) -> Sessions:
        starts, ends, *buffers = (one_piece(column) for column in values.columns)
        return Sessions(owners, starts.to_numpy(), ends.to_numpy(), buffers)

    def _evict(self, state: StateStore, watermark_us: int | None) -> pa.Table:
        if not self._is_watermarked or watermark_us is None:
            return self._row_schema.empty_table()
        return state.evict(watermark_us)

    def _finish(self, rows: pa.Table) -> pa.Table:
        """Keys and results as the query declared them."""
        if not rows.num_rows:
            return self._nothing
        keys = dict(zip(self.keys.names, self.keys.restore(rows), strict=True))
        keys[self._session_key] = self._windows(rows)
        buffers = [one_piece(column) for column in rows.columns[len(self.key_schema) + len(BOUNDS) :]]
        columns = [keys[name] for name in self._names]
        return pa.table([*columns, *self.aggregation.finish(buffers)], schema=self.output_schema)

    def _windows(self, rows: pa.Table) -> pa.Array:
        kind = self.output_schema.field(self._session_key).type
        fields = [kind.field(i) for i in range(2)]
        bounds = [one_piece(rows.column(field.name)) for field in BOUNDS]
        children = [logical(bound, field.type) for bound, field in zip(bounds, fields, strict=True)]
        return pa.StructArray.from_arrays(children, fields=fields)


def _index_in(keys: pa.Table, rows: pa.Table) -> np.ndarray:
    """For each row, the place of its key among the distinct keys."""
    names = keys.column_names
    both = pa.concat_tables([keys, rows]).append_column(
        "position", pa.array(np.arange(len(keys) + len(rows)))
    )
    # The first position of a key is its place among the distinct ones, because they come first.
    grouped = both.group_by(names, use_threads=False).aggregate([("position", "min"), ("position", "list")])
    members = grouped.column("position_list").combine_chunks()
    owners = np.repeat(grouped.column("position_min").to_numpy(), members.value_lengths().to_numpy())
    index = np.empty(len(both), np.int64)
    index[members.flatten().to_numpy()] = owners
    return index[len(keys) :]

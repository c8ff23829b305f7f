"""Partitions of rows whose answer is computed anew whenever one of their rows comes or goes.

Spark has no such operator. Under cauce.sql.streaming.relaxed it is an aggregation of an aggregation, whose
input rows are replaced by later ones, or a window function. The work of a batch is proportional to the
partitions it touches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cauce.engine.arrow_form import conformed
from cauce.errors import IllegalStateException
from cauce.state import StateStore
from cauce.streaming.operators.changes import Changes
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.keys import EVENT_TIME, GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, key_parts
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.row_sets import minus, partitioned

__all__ = ["PARTITION", "ROW", "StreamingRecompute", "TopRanks"]

PARTITION = "__cauce_partition"
"""The column that numbers the partitions of a batch; the answer hands it on."""

ROW = "__cauce_row"
"""The column that numbers the rows; the answer hands it on where there is one answer per row."""

NOT_FOUND = (
    "A row that an aggregation replaced was not found where it had been used: what lies between two "
    "aggregations must give the same rows for the same rows each time."
)

Answer = Callable[[pa.Table], pa.Table]
"""A batch's rows of some partitions, PARTITION and ROW -> the answers, PARTITION and maybe ROW."""


@dataclass(frozen=True)
class TopRanks:
    """Only answers whose `column` is `limit` or less are wanted, and no later row makes a rank less."""

    column: str
    limit: int


@dataclass(frozen=True)
class _Answered:
    """Answers with the partition of each, and which rows can still matter."""

    answers: pa.Table
    partitions: np.ndarray
    is_kept: np.ndarray


class StreamingRecompute:
    """An answer is made from all rows of its partition; a store remembers the ones, one the others.

    The input's last columns are the keys of the partitions; an answer is made from the other columns.
    """

    operator_name = "recompute"

    def __init__(
        self,
        input_schema: pa.Schema,
        keys: Sequence[str],
        event_time_key: str | None,
        output_schema: pa.Schema,
    ) -> None:
        self.keys = GroupKeys.of(input_schema, keys, event_time_key)
        self.rows = pa.schema(list(input_schema)[: len(input_schema) - len(keys)])
        self.output_schema = output_schema
        self.top_ranks: TopRanks | None = None
        self.key_schema = self.keys.schema
        self.rows_schema, self.answers_schema = _stored(self.rows), _stored(output_schema)

    @property
    def rows_layout(self) -> StoreLayout:
        return self._layout(self.rows, self.rows_schema)

    @property
    def answers_layout(self) -> StoreLayout:
        return self._layout(self.output_schema, self.answers_schema)

    def _layout(self, named: pa.Schema, stored: pa.Schema) -> StoreLayout:
        pairs = zip(named.names, list(stored)[:-1], strict=True)
        value = tuple(Part(name, field.type, Source("column", field.name)) for name, field in pairs)
        keys = key_parts(self.keys.names, self.keys)
        return StoreLayout(self.keys, stored, keys, value, EVENT_TIME, multi_row=True)

    def update(
        self,
        given: Changes,
        rows: StateStore,
        answers: StateStore,
        answer: Answer,
        *,
        late_watermark_us: int | None,
        eviction_watermark_us: int | None,
    ) -> tuple[Changes, pa.Table, OperatorMetrics]:
        """What changes in the answers, and what was said last of partitions that have no rows any more."""
        metrics = OperatorMetrics(self.operator_name)
        with metrics.timed_updates():
            new = self._timely(given.new, late_watermark_us, metrics)
            withdrawn = self._timely(given.withdrawn, late_watermark_us, OperatorMetrics(""))
            changes, vanished = self._change(Changes(new, withdrawn), rows, answers, answer)
            metrics.rows_updated = new.num_rows
        with metrics.timed_removals():
            if eviction_watermark_us is not None and self.keys.event_time is not None:
                metrics.rows_removed = rows.evict(eviction_watermark_us).num_rows
                answers.evict(eviction_watermark_us)
        return changes, vanished, metrics

    def append(
        self,
        given: pa.Table,
        rows: StateStore,
        answer: Answer,
        *,
        late_watermark_us: int | None,
        eviction_watermark_us: int | None,
    ) -> tuple[pa.Table, OperatorMetrics]:
        """The answers of the partitions that are complete, now that the watermark has passed their time."""
        metrics = OperatorMetrics(self.operator_name)
        with metrics.timed_updates():
            new = self._timely(given, late_watermark_us, metrics)
            self._remember(new, rows, answer)
            metrics.rows_updated = new.num_rows
        with metrics.timed_removals():
            if eviction_watermark_us is None:
                return self.output_schema.empty_table(), metrics
            done = rows.evict(eviction_watermark_us)
            metrics.rows_removed = done.num_rows
            numbers = partitioned(done.select(self.key_schema.names))[1]
            return self._answered(_restored(done, self.rows), numbers, answer).answers, metrics

    def _remember(self, new: pa.Table, rows: StateStore, answer: Answer) -> None:
        """Keep rows until their partition is complete; of ranks, those that may still be wanted then."""
        keys, added = self.keys.flatten(new), self._rows(new)
        if self.top_ranks is not None and new.num_rows:
            touched, numbers = partitioned(keys)
            held_in, positions = rows.find_all(touched)
            everything = pa.concat_tables([_restored(rows.read(positions), self.rows), added])
            is_kept = self._answered(everything, np.concatenate([held_in, numbers]), answer).is_kept
            held_kept, new_kept = np.split(is_kept, [len(positions)])
            rows.discard(positions[~held_kept])
            keys, added = keys.filter(pa.array(new_kept)), added.filter(pa.array(new_kept))
        self._put(rows, keys, added, self.rows_schema)

    def _change(
        self, given: Changes, rows: StateStore, answers: StateStore, answer: Answer
    ) -> tuple[Changes, pa.Table]:
        keys = [self.keys.flatten(table) for table in (given.new, given.withdrawn)]
        touched, numbers = partitioned(pa.concat_tables(keys))
        new_in, withdrawn_in = np.split(numbers, [given.new.num_rows])
        held_in, positions = rows.find_all(touched)
        held = _restored(rows.read(positions), self.rows)
        withdrawn = _numbered(self._rows(given.withdrawn), withdrawn_in)
        stays = minus(_numbered(held, held_in), withdrawn)
        if np.count_nonzero(~stays) < withdrawn.num_rows:
            raise IllegalStateException(None, NOT_FOUND)
        new = self._rows(given.new)
        after = pa.concat_tables([held.filter(pa.array(stays)), new])
        after_in = np.concatenate([held_in[stays], new_in])
        answered = self._answered(after, after_in, answer)
        stays[stays], new_kept = np.split(answered.is_kept, [np.count_nonzero(stays)])
        rows.discard(positions[~stays])
        kept = pa.array(new_kept)
        self._put(rows, keys[0].filter(kept), new.filter(kept), self.rows_schema)
        return self._say(touched, answered.answers, answered.partitions, np.unique(after_in), answers)

    def _say(
        self,
        touched: pa.Table,
        after: pa.Table,
        after_in: np.ndarray,
        alive: np.ndarray,
        answers: StateStore,
    ) -> tuple[Changes, pa.Table]:
        """Remember the answers, and tell how they differ from what was said before."""
        before_in, positions = answers.find_all(touched)
        before = _restored(answers.read(positions), self.output_schema)
        one, other = _numbered(after, after_in), _numbered(before, before_in)
        is_new, is_gone = minus(one, other), minus(other, one)
        answers.discard(positions[is_gone])
        new = after.filter(pa.array(is_new))
        self._put(answers, touched.take(pa.array(after_in[is_new])), new, self.answers_schema)
        vanished = before.filter(pa.array(~np.isin(before_in, alive)))
        return Changes(new, before.filter(pa.array(is_gone))), vanished

    def _answered(self, rows: pa.Table, numbers: np.ndarray, answer: Answer) -> _Answered:
        """What is said of the rows of these partitions; of ranks, what is wanted of it."""
        is_kept = np.ones(rows.num_rows, dtype=bool)
        if not rows.num_rows:
            return _Answered(self.output_schema.empty_table(), np.empty(0, dtype=np.int64), is_kept)
        given = answer(_numbered(rows, numbers).append_column(ROW, pa.array(np.arange(rows.num_rows))))
        if self.top_ranks is not None:
            given = given.filter(pc.less_equal(given.column(self.top_ranks.column), self.top_ranks.limit))
            is_kept[:] = False
            is_kept[given.column(ROW).to_numpy()] = True
        answers = given.drop_columns([name for name in (PARTITION, ROW) if name in given.schema.names])
        answers = answers.rename_columns(self.output_schema.names).cast(self.output_schema)
        return _Answered(answers, given.column(PARTITION).to_numpy(), is_kept)

    def _timely(self, rows: pa.Table, watermark_us: int | None, metrics: OperatorMetrics) -> pa.Table:
        times = self.keys.event_time_us(self.keys.flatten(rows))
        if times is None or watermark_us is None or not rows.num_rows:
            return rows
        kept = rows.filter(pc.invert(pc.fill_null(pc.less_equal(times, watermark_us), False)))
        metrics.rows_dropped_by_watermark = rows.num_rows - kept.num_rows
        return kept

    def _rows(self, given: pa.Table) -> pa.Table:
        """The input without the partition's keys."""
        return given.select(range(len(self.rows))).cast(self.rows)

    def _put(self, store: StateStore, keys: pa.Table, rows: pa.Table, schema: pa.Schema) -> None:
        times = self.keys.event_time_us(keys)
        if times is None:
            times = pa.nulls(rows.num_rows, pa.int64())
        store.put(keys, pa.table([*rows.columns, times], names=schema.names).cast(schema))


def _stored(schema: pa.Schema) -> pa.Schema:
    """Columns by position, instants in UTC whatever the session's zone is, and the partition's time."""
    plain = conformed(schema.empty_table().rename_columns(_places(schema)), "UTC").schema
    return pa.schema([*(field.with_nullable(True) for field in plain), pa.field(EVENT_TIME, pa.int64())])


def _restored(stored: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns under their names, in their types."""
    return stored.select(_places(schema)).rename_columns(schema.names).cast(schema)


def _places(schema: pa.Schema) -> list[str]:
    return [f"c{i}" for i in range(len(schema))]


def _numbered(rows: pa.Table, numbers: np.ndarray) -> pa.Table:
    return rows.append_column(PARTITION, pa.array(numbers, pa.int64()))

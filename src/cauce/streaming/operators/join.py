"""Stream-stream joins: every row waits in the state of its side until the watermark says nobody can match it.

Follows StreamingSymmetricHashJoinExec (of Apache Spark 4.2): left input meets the right state, then right
input meets the left state, which holds this batch's left rows by then, so that no pair is found twice.
https://github.com/apache/spark/blob/v4.2.0/sql/core/src/main/scala/org/apache/spark/sql/execution/streaming/operators/stateful/join/StreamingSymmetricHashJoinExec.scala
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from cauce.state import StateStore
from cauce.streaming.operators.join_condition import PairCondition
from cauce.streaming.operators.join_input import MATCHED, Arrivals, JoinInput
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.operator_metrics import OperatorMetrics

__all__ = ["ONLY_LEFT", "JoinType", "StreamingJoin"]

JoinType = Literal["inner", "left", "right", "full", "semi", "anti"]

KEEPS_LEFT = ("left", "full", "anti")
"""Joins that give an unmatched left row."""
KEEPS_RIGHT = ("right", "full")
ONLY_LEFT = ("semi", "anti")
"""Joins that give nothing of the right side: a left row needs one partner, and then no more."""

PAIRS_MAX = 1_000_000
"""Candidate pairs looked at together: keys with very many rows on both sides must not fill the memory."""


@dataclass(frozen=True)
class _Matches:
    """Pairs that fulfil the join: the row of the input, the position in the other side's store, both rows."""

    index: np.ndarray
    positions: np.ndarray
    rows: pa.Table
    stored: pa.Table


class StreamingJoin:
    """An equi-join of two streams, with a further condition on pairs. Its memory are two stores."""

    operator_name = "symmetricHashJoin"

    def __init__(
        self,
        how: JoinType,
        left: JoinInput,
        right: JoinInput,
        condition: PairCondition | None,
        output_schema: pa.Schema,
    ) -> None:
        self.how = how
        self.left = dataclasses.replace(left, remembers_match=how in KEEPS_LEFT and how not in ONLY_LEFT)
        self.right = dataclasses.replace(right, remembers_match=how in KEEPS_RIGHT)
        self.condition = condition
        self.output_schema = output_schema

    def process(
        self,
        left: pa.Table,
        right: pa.Table,
        left_state: StateStore,
        right_state: StateStore,
        *,
        late_watermark_us: int | None,
        left_state_watermark_us: int | None,
        right_state_watermark_us: int | None,
    ) -> tuple[pa.Table, OperatorMetrics]:
        """The pairs and null-extended rows of this batch. The caller commits the stores."""
        metrics = OperatorMetrics(self.operator_name)
        with metrics.timed_updates():
            left_rows, alone_left = self._admit(self.left, left, late_watermark_us, metrics)
            right_rows, alone_right = self._admit(self.right, right, late_watermark_us, metrics)
            output = [
                self._left_alone(alone_left),
                *self._take_left(left_rows, left_state, right_state, metrics),
                self._right_alone(alone_right),
                *self._take_right(right_rows, left_state, right_state, right_state_watermark_us, metrics),
            ]
        with metrics.timed_removals():
            evicted_left = _evict(self.left, left_state, left_state_watermark_us)
            evicted_right = _evict(self.right, right_state, right_state_watermark_us)
            output.append(self._left_alone(_unmatched(self.left, evicted_left)))
            output.append(self._right_alone(_unmatched(self.right, evicted_right)))
            metrics.rows_removed = self._removed(evicted_left, evicted_right)
        given = [rows.cast(self.output_schema) for rows in output if rows.num_rows]
        return pa.concat_tables(given) if given else self.output_schema.empty_table(), metrics

    def _admit(
        self, side: JoinInput, rows: pa.Table, watermark_us: int | None, metrics: OperatorMetrics
    ) -> tuple[Arrivals, pa.Table]:
        """The rows to match and store, and those that are already known to stay alone."""
        keeps_alone = self.how in (KEEPS_LEFT if side is self.left else KEEPS_RIGHT)
        if not keeps_alone:
            # Spark's optimizer filters this side below the join, before any row is late.
            rows = _where(rows, side.can_match(rows) & side.keys_known(rows))
        timely = side.not_late(rows, watermark_us)
        metrics.rows_dropped_by_watermark += rows.num_rows - timely.num_rows
        if not keeps_alone:
            return side.arrivals(timely), side.row_schema.empty_table()
        can_match = side.can_match(timely)
        return side.arrivals(_where(timely, can_match)), side.stored_rows(_where(timely, ~can_match))

    def _take_left(
        self, left: Arrivals, left_state: StateStore, right_state: StateStore, metrics: OperatorMetrics
    ) -> list[pa.Table]:
        """Match left input with the right state, then store it."""
        matched = np.zeros(left.rows.num_rows, dtype=bool)
        pairs = []
        for found in self._matches(left, right_state):
            matched[found.index] = True
            if self.how not in ONLY_LEFT:
                _mark_matched(self.right, right_state, found)
                pairs.append(self._pairs(found.rows, self.right.rows_of(found.stored)))
        waits = ~matched if self.how in ONLY_LEFT else np.ones(len(matched), dtype=bool)
        self._store(self.left, left_state, left, matched, waits, metrics)
        return [_where(left.rows, matched)] if self.how == "semi" else pairs

    def _take_right(
        self,
        right: Arrivals,
        left_state: StateStore,
        right_state: StateStore,
        state_watermark_us: int | None,
        metrics: OperatorMetrics,
    ) -> list[pa.Table]:
        """Match right input with the left state, then store what outlives this batch."""
        matched = np.zeros(right.rows.num_rows, dtype=bool)
        output = []
        for found in self._matches(right, left_state):
            matched[found.index] = True
            if self.how not in ONLY_LEFT:
                _mark_matched(self.left, left_state, found)
                output.append(self._pairs(self.left.rows_of(found.stored), found.rows))
                continue
            positions, first = np.unique(found.positions, return_index=True)
            left_state.discard(positions)
            if self.how == "semi":
                output.append(self.left.rows_of(found.stored).take(np.sort(first)))
        stays = _after(right, state_watermark_us)
        if self.how in KEEPS_RIGHT:
            stays |= ~matched  # eviction, at the end of the batch, gives it with nulls
        self._store(self.right, right_state, right, matched, stays, metrics)
        return output

    def _matches(self, arrivals: Arrivals, state: StateStore) -> Iterator[_Matches]:
        """All pairs of arriving rows and rows of the other side's state, in pieces."""
        candidates = np.flatnonzero(arrivals.matchable)
        keys = arrivals.keys
        if len(candidates) < keys.num_rows:
            keys = keys.take(candidates)
        for at, positions in state.find_in_pieces(keys, PAIRS_MAX):
            yield self._fulfilling(arrivals, candidates[at], positions, state.read(positions))

    def _fulfilling(
        self, arrivals: Arrivals, index: np.ndarray, positions: np.ndarray, stored: pa.Table
    ) -> _Matches:
        """The candidate pairs for which the condition holds."""
        rows = arrivals.rows.take(index)
        if self.condition is None or not len(index):
            return _Matches(index, positions, rows, stored)
        columns = {name: _column(name, rows, stored) for name in self.condition.columns}
        kept = np.flatnonzero(self.condition.holds(pa.table(columns)))
        if len(kept) == len(index):
            return _Matches(index, positions, rows, stored)
        return _Matches(index[kept], positions[kept], rows.take(kept), stored.take(kept))

    def _store(
        self,
        side: JoinInput,
        state: StateStore,
        arrivals: Arrivals,
        matched: np.ndarray,
        stays: np.ndarray,
        metrics: OperatorMetrics,
    ) -> None:
        if not stays.any():
            return
        values = side.stored_values(arrivals.rows, matched, arrivals.times_us)
        state.put(_where(arrivals.keys, stays), _where(values, stays))
        metrics.rows_updated += values.num_rows

    def _pairs(self, left: pa.Table, right: pa.Table) -> pa.Table:
        return pa.Table.from_arrays([*left.columns, *right.columns], names=self.output_schema.names)

    def _left_alone(self, rows: pa.Table) -> pa.Table:
        if self.how not in KEEPS_LEFT:
            return self.output_schema.empty_table()
        return rows if self.how == "anti" else self._pairs(rows, _nulls(self.right, rows.num_rows))

    def _right_alone(self, rows: pa.Table) -> pa.Table:
        if self.how not in KEEPS_RIGHT:
            return self.output_schema.empty_table()
        return self._pairs(_nulls(self.left, rows.num_rows), rows)

    def _removed(self, left: pa.Table, right: pa.Table) -> int:
        """Spark counts only the rows it removes without looking at them for output."""
        counted = 0 if self.how in KEEPS_LEFT else left.num_rows
        return counted + (0 if self.how in KEEPS_RIGHT else right.num_rows)


def _where(rows: pa.Table, chosen: np.ndarray) -> pa.Table:
    """The chosen rows; all of them without a copy."""
    return rows if chosen.all() else rows.filter(pa.array(chosen))


def _after(arrivals: Arrivals, watermark_us: int | None) -> np.ndarray:
    """Whether a row outlives this batch's eviction."""
    if watermark_us is None:
        return np.ones(arrivals.rows.num_rows, dtype=bool)
    evicted = pc.fill_null(pc.less_equal(arrivals.times_us, watermark_us), False)
    return ~evicted.to_numpy(zero_copy_only=False)


def _mark_matched(side: JoinInput, state: StateStore, found: _Matches) -> None:
    """Remember that stored rows of an outer side have found a partner."""
    if not side.remembers_match:
        return
    fresh = np.flatnonzero(~found.stored.column(MATCHED).to_numpy().astype(bool))
    positions, first = np.unique(found.positions[fresh], return_index=True)
    if len(positions):
        values = found.stored.take(fresh[first])
        at = values.schema.get_field_index(MATCHED)
        flags = pa.repeat(pa.scalar(True), len(positions))
        state.replace(positions, values.set_column(at, values.schema.field(at), flags))


def _evict(side: JoinInput, state: StateStore, watermark_us: int | None) -> pa.Table:
    """The value rows that leave the state."""
    if watermark_us is None:
        return side.value_schema.empty_table()
    evicted = state.evict(watermark_us)
    return evicted.select(range(len(side.key_schema), evicted.num_columns))


def _unmatched(side: JoinInput, values: pa.Table) -> pa.Table:
    if not side.remembers_match:
        return side.rows_of(values)  # of an anti join: what had a partner is not there any more
    return side.rows_of(values.filter(pc.invert(values.column(MATCHED))))


def _nulls(side: JoinInput, count: int) -> pa.Table:
    return pa.Table.from_arrays(
        [pa.nulls(count, kind) for kind in side.row_schema.types], schema=_nullable(side.row_schema)
    )


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _column(name: str, rows: pa.Table, stored: pa.Table) -> pa.ChunkedArray:
    return rows.column(name) if name in rows.column_names else stored.column(name)

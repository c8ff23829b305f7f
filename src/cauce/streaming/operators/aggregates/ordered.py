"""min_by, max_by, and min and max of structs: the row that comes first or last in Spark's order."""

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.first_last import choose
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.kernels import Column, pc
from cauce.streaming.operators.keys import GroupKeys

__all__ = ["MaxBy", "MinBy", "sorted_positions"]


class MaxBy:
    """max_by(a, b): a where b is largest; of several such rows the last (MaxByAndMinBy.scala).

    With one argument it is max(a), for types Arrow cannot compare by itself.
    """

    function = "max"

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self.buffer_types = (call.input_types[0], call.input_types[-1])
        self._order_name = f"{call.inputs[-1]}:{self.function}:order"

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        by = rows.original(self.call, -1)
        order = rows.derive(self._order_name, lambda: pa.array(self._order(by)))
        ranks = rows.derive(f"{order}:rank", lambda: _ranks(rows.array(order).to_numpy(), by))
        return (Request(rows.filtered(ranks, self.call), self.function),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        positions = rows.array(self._order_name).take(results[0])
        return [rows.original(self.call, i).take(positions) for i in (0, -1)]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        both = pa.concat_arrays([old[1], new[1]])
        ranks = _ranks(self._order(both), both)
        old_wins = self._better(ranks[: len(old[1])], ranks[len(old[1]) :])
        return [choose(old_wins, old[0], new[0]), choose(old_wins, old[1], new[1])]

    def finish(self, buffers: Buffers) -> pa.Array:
        return buffers[0]

    def _order(self, by: pa.Array) -> np.ndarray:
        """Row numbers in ascending order; the later of equal rows comes later."""
        return sorted_positions(by)

    def _better(self, old: pa.Array, new: pa.Array) -> pa.Array:
        return pc.greater(pc.fill_null(old, -1), pc.fill_null(new, -1))


class MinBy(MaxBy):
    """min_by(a, b): a where b is smallest; of several such rows the last."""

    function = "min"

    def _order(self, by: pa.Array) -> np.ndarray:
        """Row numbers in ascending order; the later of equal rows comes earlier."""
        backwards = np.arange(len(by))[::-1]
        return backwards[sorted_positions(by.take(pa.array(backwards)))]

    def _better(self, old: pa.Array, new: pa.Array) -> pa.Array:
        worst = 2 * len(old)
        return pc.less(pc.fill_null(old, worst), pc.fill_null(new, worst))


def sorted_positions(values: pa.Array) -> np.ndarray:
    """A stable ascending order as Spark compares: nulls inside structs first, NaN last."""
    flat = GroupKeys(("by",), (values.type,)).flatten(pa.table([values], names=["by"]))
    columns = [key for column in flat.columns for key in (pc.is_valid(column), _sortable(column))]
    names = [str(i) for i in range(len(columns))]
    keys = [(name, "ascending") for name in names]
    return pc.sort_indices(pa.table(columns, names=names), sort_keys=keys).to_numpy().astype(np.int64)


def _sortable(column: Column) -> Column:
    """Doubles as integers of the same order, because Arrow would sort NaN with the nulls."""
    if not pa.types.is_floating(column.type):
        return column
    bits = column.cast(pa.float64()).combine_chunks().view(pa.int64())
    flipped = pc.bit_wise_xor(bits, pa.scalar((1 << 63) - 1, pa.int64()))
    return pc.if_else(pc.less(bits, 0), flipped, bits)


def _ranks(order: np.ndarray, by: pa.Array) -> pa.Array:
    """The place of every row in the order, null where its value is null."""
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return pa.array(ranks, mask=by.is_null().to_numpy(zero_copy_only=False))

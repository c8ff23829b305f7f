"""first, last and their synonyms: the value of the earliest or latest row of a group."""

import pyarrow as pa

from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.kernels import Column, pc

__all__ = ["First", "Last", "choose"]


def choose(use_first: pa.Array, first: pa.Array, second: pa.Array) -> pa.Array:
    """Row by row one of two arrays; works for every type, which if_else does not."""
    positions = pa.array(range(len(first)), pa.int64())
    index = pc.if_else(use_first, positions, pc.add(positions, len(first)))
    return pa.concat_arrays([first, second]).take(index)


class First:
    """first(a): the first row seen, or with IGNORE NULLS the first that is not null.

    The second buffer tells a null that was seen from a group that has seen nothing.
    """

    function = "min"

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self.buffer_types = (call.input_types[0], pa.bool_())

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(self._positions(rows), self.function),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return [rows.original(self.call).take(results[0]), pc.is_valid(results[0])]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        seen = pc.fill_null(old[1], False)
        return [choose(seen, old[0], new[0]), pc.or_(seen, pc.fill_null(new[1], False))]

    def finish(self, buffers: Buffers) -> pa.Array:
        return buffers[0]

    def _positions(self, rows: Rows) -> str:
        positions = rows.positions(self.call)
        if not self.call.ignore_nulls:
            return positions
        argument = rows.original(self.call)
        name = f"{positions}:valid:{self.call.inputs[0]}"
        return rows.derive(name, lambda: _where(pc.is_valid(argument), rows.column(positions)))


class Last(First):
    """last(a), any_value is first: the latest row seen, with or without nulls."""

    function = "max"

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return super().merge(new, old)


def _where(keep: pa.Array, column: Column) -> Column:
    return pc.if_else(keep, column, pa.scalar(None, column.type))

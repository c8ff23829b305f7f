"""first, last and their synonyms: the value of the earliest or latest row of a group."""

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.kernels import pc

__all__ = ["First", "Last", "choose"]


def choose(use_first: pa.Array, first: pa.Array, second: pa.Array) -> pa.Array:
    """Row by row one of two arrays; works for every type, which if_else does not."""
    positions = pa.array(np.arange(len(first)))
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
        positions = rows.complete_positions if self.call.ignore_nulls else rows.positions
        return (Request(positions(self.call), self.function),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return [rows.original(self.call).take(results[0]), pc.is_valid(results[0])]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        seen = pc.fill_null(old[1], False)
        return [choose(seen, old[0], new[0]), pc.or_(seen, pc.fill_null(new[1], False))]

    def finish(self, buffers: Buffers) -> pa.Array:
        return buffers[0]


class Last(First):
    """last(a): the latest row seen, with or without nulls."""

    function = "max"

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return super().merge(new, old)

"""bit_and, bit_or and bit_xor: bits of whole numbers combined over a group."""

from typing import Any

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.segments import Segments
from cauce.streaming.operators.kernels import pc

__all__ = ["Bitwise"]


class Bitwise:
    """One of numpy's bitwise functions over the values of a group; null if it has none."""

    def __init__(self, call: AggregateCall, function: np.ufunc, merge: str) -> None:
        self.call = call
        self.buffer_types = (call.input_types[0],)
        self._function = function
        self._merge: Any = getattr(pc, merge)

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.complete_positions(self.call), "list"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        segments = Segments.of(results[0]).take(rows.original(self.call))
        present = segments.counts > 0
        values = np.zeros(segments.num_groups, self.buffer_types[0].to_pandas_dtype())
        if present.any():
            starts = segments.offsets[:-1][present]
            values[present] = self._function.reduceat(segments.members.to_numpy(), starts)
        return [pa.array(values, self.buffer_types[0], mask=~present)]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [pc.coalesce(self._merge(old[0], new[0]), old[0], new[0])]

    def finish(self, buffers: Buffers) -> pa.Array:
        return buffers[0]

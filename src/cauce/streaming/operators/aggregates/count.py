"""count, count_if: how many rows, or how many rows without a null."""

import functools

import pyarrow as pa

from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.kernels import Column, pc

__all__ = ["Count", "CountIf", "add_counts"]


def add_counts(old: pa.Array, new: pa.Array) -> pa.Array:
    """The sum of two counts, where a null is nothing yet."""
    return pc.coalesce(pc.add(old, new), old, new)


class Count:
    """count(*), count(a) and count(a, b): rows in which no argument is null."""

    buffer_types = (pa.int64(),)

    def __init__(self, call: AggregateCall) -> None:
        self.call = call

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        if not self.call.inputs and self.call.filter is None:
            return (Request("", "count_all"),)
        if len(self.call.inputs) == 1:
            return (Request(rows.argument(self.call), "count"),)
        return (Request(self._complete_rows(rows), "count"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return results

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [add_counts(old[0], new[0])]

    def finish(self, buffers: Buffers) -> pa.Array:
        return pc.fill_null(buffers[0], 0)

    def _complete_rows(self, rows: Rows) -> str:
        """Row numbers, null where an argument is null."""
        positions = rows.positions(self.call)
        if not self.call.inputs:
            return positions
        name = f"{positions}:complete:{','.join(self.call.inputs)}"
        return rows.derive(name, lambda: self._mask(rows, positions))

    def _mask(self, rows: Rows, positions: str) -> Column:
        valid = [pc.is_valid(rows.column(name)) for name in self.call.inputs]
        column = rows.column(positions)
        return pc.if_else(functools.reduce(pc.and_, valid), column, pa.scalar(None, column.type))


class CountIf:
    """count_if(condition): rows in which the condition is true."""

    buffer_types = (pa.int64(),)

    def __init__(self, call: AggregateCall) -> None:
        self.call = call

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.argument(self.call), "sum"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return [results[0].cast(pa.int64())]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [add_counts(old[0], new[0])]

    def finish(self, buffers: Buffers) -> pa.Array:
        return pc.fill_null(buffers[0], 0)

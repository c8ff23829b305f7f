"""count, count_if: how many rows, or how many rows without a null."""

import pyarrow as pa

from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.kernels import pc

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
        return (Request(rows.complete_positions(self.call), "count"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return results

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [add_counts(old[0], new[0])]

    def finish(self, buffers: Buffers) -> pa.Array:
        return pc.fill_null(buffers[0], 0)


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

"""min and max: over every type Spark orders, with NaN the largest number."""

import pyarrow as pa

from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.physical import logical, physical_type

__all__ = ["Max", "Min"]


class Min:
    """min(a). Arrow's minimum already prefers any number to NaN, as Spark does."""

    function = "min"

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self.buffer_types = (_comparable(physical_type(call.input_types[0])),)

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.argument(self.call), self.function),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return [results[0].cast(self.buffer_types[0])]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [pc.min_element_wise(old[0], new[0])]

    def finish(self, buffers: Buffers) -> pa.Array:
        return logical(buffers[0], self.call.input_types[0])


class Max(Min):
    """max(a). Arrow's maximum skips NaN, so groups that hold one are marked beside it."""

    function = "max"

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        (request,) = super().prepare(rows)
        column = rows.column(request.column)
        if not pa.types.is_floating(column.type):
            return (request,)
        is_nan = rows.derive(f"{request.column}:nan", lambda: pc.is_nan(column))
        return (request, Request(is_nan, "any"))

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        if len(results) == 1:
            return super().partial(rows, results)
        return [_nan_where(results[1], results[0])]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        largest = pc.max_element_wise(old[0], new[0])
        if not pa.types.is_floating(largest.type):
            return [largest]
        has_nan = pc.or_(_is_nan(old[0]), _is_nan(new[0]))
        return [_nan_where(has_nan, largest)]


def _comparable(data_type: pa.DataType) -> pa.DataType:
    """Arrow compares two columns of booleans only as numbers."""
    return pa.int8() if pa.types.is_boolean(data_type) else data_type


def _is_nan(array: pa.Array) -> pa.Array:
    return pc.fill_null(pc.is_nan(array), False)


def _nan_where(condition: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(condition, False), pa.scalar(float("nan"), values.type), values)

"""product: all values of a group multiplied, as a double."""

import pyarrow as pa

from cauce.streaming.operators.aggregates.moments import doubles
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.kernels import pc

__all__ = ["Product"]


class Product:
    """product(a); null for a group without values."""

    buffer_types = (pa.float64(),)

    def __init__(self, call: AggregateCall) -> None:
        self.call = call

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(doubles(rows, rows.argument(self.call)), "product"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return results

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [pc.coalesce(pc.multiply(old[0], new[0]), old[0], new[0])]

    def finish(self, buffers: Buffers) -> pa.Array:
        return buffers[0]

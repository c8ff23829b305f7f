"""What an aggregate function is, and the table of all of them by Spark's name."""

from typing import Protocol

import pyarrow as pa

from cauce.streaming.operators.aggregates.average import Average, TryAverage
from cauce.streaming.operators.aggregates.count import Count, CountIf
from cauce.streaming.operators.aggregates.extremes import Max, Min
from cauce.streaming.operators.aggregates.first_last import First, Last
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.sum import Sum, TrySum

__all__ = ["AGGREGATES", "Aggregate"]


class Aggregate(Protocol):
    """One call made live. Every buffer array is aligned with the groups; null means nothing seen yet."""

    call: AggregateCall
    buffer_types: tuple[pa.DataType, ...]

    def __init__(self, call: AggregateCall) -> None: ...

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        """The Arrow hash aggregations `partial` needs."""
        ...

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        """Buffers of this batch's groups, from the results of the requests."""
        ...

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        """Buffers of the same groups combined; `old` came first."""
        ...

    def finish(self, buffers: Buffers) -> pa.Array:
        """The values the user sees."""
        ...


AGGREGATES: dict[str, type[Aggregate]] = {
    "any_value": First,
    "avg": Average,
    "count": Count,
    "count_if": CountIf,
    "first": First,
    "first_value": First,
    "last": Last,
    "last_value": Last,
    "max": Max,
    "mean": Average,
    "min": Min,
    "sum": Sum,
    "try_avg": TryAverage,
    "try_sum": TrySum,
}

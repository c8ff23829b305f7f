"""avg, mean and try_avg: a sum and a count, divided at the end."""

import pyarrow as pa

from cauce.errors import ArithmeticException
from cauce.streaming.operators.aggregates.count import Count
from cauce.streaming.operators.aggregates.quotients import decimal_quotients, rounded_quotients
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.sum import Sum, TrySum
from cauce.streaming.operators.kernels import pc

__all__ = ["Average", "TryAverage"]


class Average:
    """avg(a). Whole numbers are added as doubles, as Spark does (Average.scala); decimals exactly."""

    sum_class: type[Sum] = Sum

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self.exact = pa.types.is_decimal(call.input_types[0]) or pa.types.is_duration(call.input_types[0])
        self._sum, self._count = self.sum_class(call), Count(call)
        self.sum_types = self._sum.buffer_types if self.exact else (pa.float64(),)
        self.buffer_types = (*self.sum_types, pa.int64())

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        count = self._count.prepare(rows)
        if self.exact:
            return (*self._sum.prepare(rows), *count)
        return (Request(self._doubles(rows), "sum"), *count)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        sums = self._sum.partial(rows, results[:-1]) if self.exact else results[:-1]
        return [*sums, results[-1]]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        counts = self._count.merge(old[-1:], new[-1:])
        if self.exact:
            return [*self._sum.merge(old[:-1], new[:-1]), *counts]
        return [pc.coalesce(pc.add(old[0], new[0]), old[0], new[0]), *counts]

    def finish(self, buffers: Buffers) -> pa.Array:
        sums, counts = buffers[0], buffers[-1]
        if not self.exact:
            return pc.divide(sums, counts)
        if pa.types.is_decimal(sums.type):
            return self._decimals(sums, counts)
        return rounded_quotients(sums, counts).view(self.call.input_types[0])

    def _decimals(self, sums: pa.Array, counts: pa.Array) -> pa.Array:
        wanted = self.call.output_type
        averages = decimal_quotients(sums, counts, wanted)
        if averages.null_count > sums.null_count and self.call.ansi and not self._sum.tolerant:
            value = sums.filter(pc.and_(pc.is_valid(sums), pc.is_null(averages)))[0]
            raise ArithmeticException(
                "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
                value=value,
                precision=wanted.precision,
                scale=wanted.scale,
                config='"spark.sql.ansi.enabled"',
            )
        return averages

    def _doubles(self, rows: Rows) -> str:
        name = rows.argument(self.call)
        column = rows.column(name)
        if pa.types.is_floating(column.type):
            return name
        return rows.derive(f"{name}:double", lambda: column.cast(pa.float64(), safe=False))


class TryAverage(Average):
    """try_avg(a): null where the sum overflows."""

    sum_class = TrySum

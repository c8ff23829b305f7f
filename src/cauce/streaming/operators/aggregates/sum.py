"""sum and try_sum: exact for integers and decimals, with Spark's overflow rules."""

import pyarrow as pa

from cauce.errors import ArithmeticException
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.wide_sum import (
    LONG_LIMIT,
    Checked,
    add_decimals,
    add_longs,
    decimal_sums,
    fits,
    join_halves,
    narrow,
    split_halves,
)
from cauce.streaming.operators.kernels import Column, pc
from cauce.streaming.operators.physical import logical, physical_type

__all__ = ["Sum", "TrySum"]


def _sum_type(data_type: pa.DataType) -> pa.DataType:
    """The type sums are kept in: Spark's result type of sum (Sum.scala)."""
    if pa.types.is_decimal(data_type):
        return pa.decimal128(min(38, data_type.precision + 10), data_type.scale)
    if pa.types.is_floating(data_type):
        return pa.float64()
    return pa.int64()


class Sum:
    """sum(a) over numbers and intervals; null for a group without values.

    An overflow is an error under ANSI rules. Without them a long wraps and a decimal becomes null; a
    second buffer then tells an overflowed group from an empty one.
    """

    tolerant = False

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self.type = _sum_type(physical_type(call.input_types[0]))
        self._nulls_overflow = self.tolerant or (pa.types.is_decimal(self.type) and not call.ansi)
        self.buffer_types = (self.type, pa.bool_()) if self._nulls_overflow else (self.type,)

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        name = rows.argument(self.call)
        column = rows.column(name)
        if pa.types.is_decimal(column.type) and not _decimals_fit(column):
            return (Request(name, "list"),)
        if column.type != pa.int64() or fits(column, LONG_LIMIT):
            return (Request(name, "sum"),)
        return self._halves(rows, name)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return self._settle(self._sums(results))

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        add = add_decimals if pa.types.is_decimal(self.type) else self._add
        merged = self._settle(add(old[0], new[0]))
        if not self._nulls_overflow:
            return merged
        # A group that overflowed once stays null, whatever comes later.
        overflowed = _any_true(merged[1], old[1], new[1])
        return [pc.if_else(overflowed, pa.scalar(None, self.type), merged[0]), overflowed]

    def finish(self, buffers: Buffers) -> pa.Array:
        return logical(buffers[0], self.call.output_type)

    def _sums(self, results: Buffers) -> Checked:
        if len(results) == 2:
            return join_halves(*results)
        if pa.types.is_list(results[0].type):
            return decimal_sums(results[0], self.type)
        if pa.types.is_decimal(self.type):
            return narrow(results[0], self.type)
        return results[0].cast(self.type), None

    def _add(self, old: pa.Array, new: pa.Array) -> Checked:
        if pa.types.is_floating(self.type):
            return pc.coalesce(pc.add(old, new), old, new), None
        return add_longs(old, new)

    def _settle(self, checked: Checked) -> Buffers:
        sums, overflowed = checked
        if overflowed is not None and self.call.ansi and not self.tolerant:
            raise overflow_error(self.call)
        if not self._nulls_overflow:
            return [sums]
        if overflowed is None:
            return [sums, pc.fill_null(pa.nulls(len(sums), pa.bool_()), False)]
        mask = pc.fill_null(overflowed, False)
        return [pc.if_else(mask, pa.scalar(None, self.type), sums), mask]

    def _halves(self, rows: Rows, name: str) -> tuple[Request, ...]:
        high, low = split_halves(rows.column(name))
        return (
            Request(rows.derive(f"{name}:high", lambda: high), "sum"),
            Request(rows.derive(f"{name}:low", lambda: low), "sum"),
        )


class TrySum(Sum):
    """try_sum(a): null instead of an overflow."""

    tolerant = True


def overflow_error(call: AggregateCall) -> ArithmeticException:
    """The error Spark raises when this call's sum does not fit."""
    if pa.types.is_duration(call.input_types[0]):
        return ArithmeticException("INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION", functionName="`try_add`")
    decimal = pa.types.is_decimal(call.input_types[0])
    tolerant = ("try_sum" if call.function == "sum" else "try_avg") if decimal else "try_add"
    return ArithmeticException(
        "ARITHMETIC_OVERFLOW",
        message="Overflow in sum of decimals" if decimal else "overflow",
        alternative=f" Use '{tolerant}' to tolerate overflow and return NULL instead.",
        config='"spark.sql.ansi.enabled"',
    )


def _decimals_fit(column: Column) -> bool:
    digits = column.type.precision + len(str(len(column)))
    return digits <= 38 or fits(column, 10 ** (38 - column.type.scale))


def _any_true(*masks: pa.Array) -> pa.Array:
    result = pc.fill_null(masks[0], False)
    for mask in masks[1:]:
        result = pc.or_(result, pc.fill_null(mask, False))
    return result

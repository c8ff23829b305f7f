"""The few functions that Arrow computes exactly as the engine does: what windows and keys are made of."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pyarrow as pa

from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.physical import logical, physical

__all__ = ["PLAIN_FUNCTIONS", "NotPlainError", "Value", "as_column"]

Value: TypeAlias = pa.Array | pa.Scalar
"""A column of one batch, or a constant."""


class NotPlainError(Exception):
    """These values are the engine's business."""


def as_column(value: Value, length: int) -> pa.Array:
    """The value as a column of `length` rows."""
    return pa.repeat(value, length) if isinstance(value, pa.Scalar) else value


def is_not_null(value: Value) -> Value:
    """Whether each value is there."""
    return pc.is_valid(value)


def unix_micros(value: Value) -> Value:
    """A moment as microseconds since the epoch."""
    if not (_is_timestamp(value.type) and isinstance(value, pa.Array)):
        raise NotPlainError
    return physical(value)


def timestamp_micros(value: Value) -> Value:
    """Microseconds since the epoch as a moment."""
    _need_longs(value)
    return logical(value, pa.timestamp("us", "UTC"))


def plus(left: Value, right: Value) -> Value:
    """The sum of two BIGINTs; an overflow is left to the engine."""
    _need_longs(left, right)
    return pc.add_checked(left, right)


def minus(left: Value, right: Value) -> Value:
    """The difference of two BIGINTs; an overflow is left to the engine."""
    _need_longs(left, right)
    return pc.subtract_checked(left, right)


def positive_modulo(value: Value, divisor: Value) -> Value:
    """pmod of BIGINTs without nulls by a positive constant."""
    _need_longs(value, divisor)
    if not isinstance(value, pa.Array) or value.null_count or not isinstance(divisor, pa.Scalar):
        raise NotPlainError
    step, given = divisor.as_py(), value.to_numpy()
    if step is None or step <= 0:
        raise NotPlainError
    # Dividing by a constant and multiplying back takes half the time of numpy's remainder.
    return pa.array(given - given // step * step)


def named_struct(*parts: Value) -> Value:
    """A struct of the values that follow their names."""
    names, values = parts[::2], parts[1::2]
    if not all(isinstance(value, pa.Array) for value in values):
        raise NotPlainError
    fields = [
        pa.field(name.as_py(), value.type, nullable=True) for name, value in zip(names, values, strict=True)
    ]
    return pa.StructArray.from_arrays(list(values), fields=fields)


def _is_timestamp(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz is not None


def _need_longs(*values: Value) -> None:
    if not all(pa.types.is_int64(value.type) for value in values):
        raise NotPlainError


PLAIN_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "+": plus,
    "-": minus,
    "isnotnull": is_not_null,
    "named_struct": named_struct,
    "pmod": positive_modulo,
    "timestamp_micros": timestamp_micros,
    "unix_micros": unix_micros,
}

"""Exact division with Spark's rounding, half away from zero: averages of decimals and intervals."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.decimals import largest, unscaled_longs

__all__ = ["decimal_quotients", "rounded_quotients"]

LONG_MAX = (1 << 63) - 1


def rounded_quotients(sums: pa.Array, counts: pa.Array) -> pa.Array:
    """64-bit sums over positive counts; null where the sum is null."""
    values = sums.fill_null(0).to_numpy(zero_copy_only=False)
    divisors = np.maximum(counts.fill_null(0).to_numpy(zero_copy_only=False), 1)
    return pa.array(_half_up(values, divisors), mask=sums.is_null().to_numpy(zero_copy_only=False))


def decimal_quotients(sums: pa.Array, counts: pa.Array, data_type: pa.Decimal128Type) -> pa.Array:
    """Decimal sums over counts, in the result type Spark gives avg: four more digits of scale.

    A quotient that does not fit the type is null.
    """
    shift = 10 ** (data_type.scale - sums.type.scale)
    unscaled = unscaled_longs(sums)
    if unscaled is None or largest(unscaled) > LONG_MAX // shift:
        return _slow_quotients(sums, counts, data_type)
    divisors = np.maximum(counts.fill_null(0).to_numpy(zero_copy_only=False), 1)
    return _as_decimals(_half_up(unscaled * shift, divisors), sums, data_type)


def _half_up(values: np.ndarray, divisors: np.ndarray) -> np.ndarray:
    magnitude = np.abs(values)
    quotient, rest = magnitude // divisors, magnitude % divisors
    return np.sign(values) * (quotient + (rest >= divisors - rest))


def _as_decimals(unscaled: np.ndarray, like: pa.Array, data_type: pa.Decimal128Type) -> pa.Array:
    words = np.stack([unscaled, unscaled >> 63], axis=1)
    validity = pa.array(like.is_valid().to_numpy(zero_copy_only=False)).buffers()[1]
    return pa.Array.from_buffers(data_type, len(unscaled), [validity, pa.py_buffer(words.tobytes())])


def _slow_quotients(sums: pa.Array, counts: pa.Array, data_type: pa.Decimal128Type) -> pa.Array:
    """A loop over groups: only sums beyond 64 bits get here. What does not fit the type becomes null."""
    unit = Decimal(1).scaleb(-data_type.scale)
    limit = Decimal(10) ** (data_type.precision - data_type.scale)
    with localcontext() as context:
        context.prec = 100
        pairs = zip(sums.to_pylist(), counts.to_pylist(), strict=True)
        exact = [None if total is None else total / count for total, count in pairs]
        rounded = [None if value is None else value.quantize(unit, ROUND_HALF_UP) for value in exact]
    return pa.array([None if v is None or abs(v) >= limit else v for v in rounded], data_type)

"""Decimals as machine numbers: their unscaled integers, and the doubles nearest to them."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pyarrow as pa

__all__ = ["decimals_of", "doubles_of", "largest", "unscaled_longs", "unscaled_words"]

EXACT_DOUBLE = 1 << 53
"""Up to here every integer is a double."""


def unscaled_words(decimals: pa.Array) -> np.ndarray:
    """The low and the high 64 bits of every unscaled value; anything for null."""
    words = np.frombuffer(decimals.buffers()[1] or b"", np.int64).reshape(-1, 2)
    return words[decimals.offset : decimals.offset + len(decimals)]


def unscaled_longs(decimals: pa.Array) -> np.ndarray | None:
    """The unscaled values, 0 for null; None when one of them needs more than 64 bits."""
    words = unscaled_words(decimals)
    valid = decimals.is_valid().to_numpy(zero_copy_only=False)
    low, high = np.where(valid, words[:, 0], 0), np.where(valid, words[:, 1], 0)
    return None if np.any(high != low >> 63) else low


def largest(longs: np.ndarray) -> int:
    """The largest magnitude, which need not be a 64-bit integer."""
    return max(int(longs.max(initial=0)), -int(longs.min(initial=0)))


def doubles_of(decimals: pa.Array) -> pa.Array:
    """The nearest doubles, as Java gives them; Arrow's own conversion may be one bit off."""
    unscaled = unscaled_longs(decimals)
    if unscaled is None or largest(unscaled) > EXACT_DOUBLE or decimals.type.scale > 22:
        return decimals.cast(pa.string()).cast(pa.float64())
    # Both sides of this division are exact, so that the quotient is the nearest double.
    is_null = decimals.is_null().to_numpy(zero_copy_only=False)
    return pa.array(unscaled / 10.0**decimals.type.scale, mask=is_null)


def decimals_of(doubles: pa.Array, data_type: pa.Decimal128Type) -> pa.Array:
    """The digits a double is written with, rounded to the scale. A loop, over one value per group."""
    unit = Decimal(1).scaleb(-data_type.scale)
    digits = [None if value is None else Decimal(repr(value)) for value in doubles.to_pylist()]
    with localcontext() as context:
        context.prec = 100
        rounded = [None if d is None else d.quantize(unit, ROUND_HALF_UP) for d in digits]
    return pa.array(rounded, data_type)

"""Functions of numbers."""

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["bitmap_bit_position", "bitmap_bucket_number", "conv", "timestamp_seconds"]

BITMAP_BITS = 32_768
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UNSIGNED_MAX = 2**64 - 1


def bitmap_bit_position(values: pa.Array) -> pa.Array:
    """Where a value's bit lies inside its bucket."""
    longs = pc.cast(values, pa.int64())
    positive = pc.subtract(longs, pa.scalar(1, pa.int64()))
    return pc.if_else(pc.greater(longs, 0), _modulo(positive), _modulo(pc.negate(longs)))


def bitmap_bucket_number(values: pa.Array) -> pa.Array:
    """The bucket of 32,768 values that a value belongs to, from 1 for positive ones."""
    longs = pc.cast(values, pa.int64())
    above = pc.add(
        pc.divide(pc.subtract(longs, pa.scalar(1, pa.int64())), BITMAP_BITS), pa.scalar(1, pa.int64())
    )
    return pc.if_else(pc.greater(longs, 0), above, pc.divide(longs, BITMAP_BITS))


def timestamp_seconds(seconds: pa.Array) -> pa.Array:
    """The moment so many seconds, with their fraction, after 1970 began."""
    if pa.types.is_floating(seconds.type):
        micros = pc.cast(pc.trunc(pc.multiply(seconds, 1e6)), pa.int64())
    elif pa.types.is_decimal(seconds.type):
        # No Arrow kernel multiplies every precision; decimals of seconds are rare.
        numbers = seconds.to_pylist()
        micros = pa.array([None if n is None else int(n * Decimal(1_000_000)) for n in numbers], pa.int64())
    else:
        micros = pc.multiply_checked(pc.cast(seconds, pa.int64()), pa.scalar(1_000_000, pa.int64()))
    return micros.cast(pa.timestamp("us", "UTC"))


def conv(numbers: pa.Array, sources: pa.Array, targets: pa.Array) -> pa.Array:
    """The number written in another base; a negative target base keeps the sign (NumberConverter.scala)."""
    rows = zip(
        pc.cast(numbers, pa.string()).to_pylist(), sources.to_pylist(), targets.to_pylist(), strict=True
    )
    # Digits of any base have no Arrow kernel.
    return pa.array([_converted(*row) for row in rows], pa.string())


def _converted(number: str | None, source: int | None, target: int | None) -> str | None:
    if number is None or source is None or target is None:
        return None
    text = number.strip()
    if not text or not 2 <= source <= 36 or not 2 <= abs(target) <= 36:
        return None
    negative = text.startswith("-")
    value = min(_leading_value(text[1:] if negative else text, source), UNSIGNED_MAX)
    if negative:
        value = -value if target < 0 else (2**64 - value) & UNSIGNED_MAX
    elif target < 0 and value > 2**63 - 1:
        value -= 2**64
    return ("-" if value < 0 else "") + _digits(abs(value), abs(target))


def _leading_value(text: str, base: int) -> int:
    value = 0
    for letter in text.upper():
        digit = DIGITS.find(letter)
        if not 0 <= digit < base:
            break
        value = value * base + digit
    return value


def _digits(value: int, base: int) -> str:
    found = ""
    while value:
        value, digit = divmod(value, base)
        found = DIGITS[digit] + found
    return found or "0"


def _modulo(longs: pa.Array) -> pa.Array:
    whole = pc.multiply(pc.divide(longs, BITMAP_BITS), pa.scalar(BITMAP_BITS, pa.int64()))
    return pc.subtract(longs, whole)

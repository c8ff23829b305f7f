"""Additions that notice overflow: 64-bit integers and decimals of up to 38 digits."""

from decimal import Decimal, localcontext

import pyarrow as pa

from cauce.streaming.operators.kernels import Column, pc

__all__ = [
    "Checked",
    "add_decimals",
    "add_longs",
    "decimal_sums",
    "fits",
    "join_halves",
    "narrow",
    "split_halves",
]

Checked = tuple[pa.Array, pa.Array | None]
"""Sums, and which of them overflowed (None: none did). An overflowed long is wrapped, a decimal null."""

LONG_LIMIT = 1 << 63


def fits(column: Column, limit: int) -> bool:
    """Whether no sum over any of the column's rows can reach `limit` (in the column's own units)."""
    bounds = pc.min_max(column).as_py()
    if bounds["min"] is None:
        return True
    return max(abs(bounds["min"]), abs(bounds["max"])) * len(column) < limit


def split_halves(column: Column) -> tuple[Column, Column]:
    """High and low 32 bits: their sums cannot overflow, whatever the values."""
    return pc.shift_right(column, 32), pc.bit_wise_and(column, pa.scalar(0xFFFFFFFF, pa.int64()))


def join_halves(high: pa.Array, low: pa.Array) -> Checked:
    """The sums again, from the sums of the halves."""
    carried = pc.add(high, pc.shift_right(low, 32))
    rest = pc.bit_wise_and(low, pa.scalar(0xFFFFFFFF, pa.int64()))
    wrapped = pc.bit_wise_or(pc.shift_left(carried, 32), rest)
    return wrapped, _mask(pc.not_equal(pc.shift_right(wrapped, 32), carried))


def add_longs(old: pa.Array, new: pa.Array) -> Checked:
    """old + new where a null counts as nothing."""
    try:
        return pc.coalesce(pc.add_checked(old, new), old, new), None
    except pa.ArrowInvalid:
        wrapped = pc.add(old, new)
    signs = pc.bit_wise_and(pc.bit_wise_xor(old, wrapped), pc.bit_wise_xor(new, wrapped))
    return pc.coalesce(wrapped, old, new), _mask(pc.less(signs, 0))


def add_decimals(old: pa.Array, new: pa.Array) -> Checked:
    """old + new of one decimal type, where a null counts as nothing."""
    wide = pa.decimal256(old.type.precision, old.type.scale)
    total = pc.coalesce(pc.add(old.cast(wide), new.cast(wide)), old.cast(wide), new.cast(wide))
    return narrow(total, old.type)


def narrow(values: pa.Array, data_type: pa.Decimal128Type) -> Checked:
    """Decimals in a narrower type; those that do not fit become null and are marked."""
    try:
        return values.cast(data_type), None
    except pa.ArrowInvalid:
        limit = pa.scalar(Decimal(10) ** (data_type.precision - data_type.scale))
    too_large = pc.greater_equal(pc.abs(values), limit)
    kept = pc.if_else(too_large, pa.scalar(None, values.type), values)
    return kept.cast(data_type), _mask(too_large)


def decimal_sums(groups: pa.ListArray, data_type: pa.Decimal128Type) -> Checked:
    """Sums of lists of decimals so large that 128 bits might not hold them.

    This is a loop over rows on purpose: Arrow's own sum would wrap silently, and only columns whose
    values come near 38 digits get here.
    """
    with localcontext() as context:
        context.prec = 100
        sums = [_sum(values) for values in groups.to_pylist()]
    return narrow(pa.array(sums, pa.decimal256(76, data_type.scale)), data_type)


def _sum(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def _mask(overflowed: pa.Array) -> pa.Array | None:
    return overflowed if pc.any(overflowed).as_py() else None

"""Arrow columns as the text Spark writes for them, a column at a time."""

import math
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import (
    BinaryType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    TimestampNTZType,
    TimestampType,
)

from cauce.formats.datetime_pattern import format_with_pattern
from cauce.formats.format_options import FormatOptions

__all__ = ["cast_to_text", "date_text", "double_text", "lines_to_bytes", "timestamp_text"]

LINES_AT_ONCE = 1 << 18


def cast_to_text(column: pa.Array, kind: DataType, time_zone: str) -> pa.Array:
    """`CAST(column AS STRING)` for a simple type."""
    column = _one_array(column)
    match kind:
        case DoubleType() | FloatType():
            return double_text(column)
        case TimestampType() | TimestampNTZType():
            zoned = column if column.type.tz is None else column.cast(pa.timestamp("us", time_zone))
            return pc.replace_substring_regex(
                pc.strftime(zoned, "%Y-%m-%d %H:%M:%S"), r"\.0+$|(\.\d*?)0+$", r"\1"
            )
        case BinaryType():
            return _hex_text(column)
        case DecimalType():
            return _plain_decimal_text(column)
    return column.cast(pa.string())


def double_text(column: pa.Array) -> pa.Array:
    """As Java prints it: `1.0`, `1.0E10`, `1.0E-4`, `NaN`, `-Infinity`."""
    column = _one_array(column)
    text = column.cast(pa.string())
    size = pc.abs(column)
    plain = pc.or_(pc.and_(pc.greater_equal(size, 1e-3), pc.less(size, 1e7)), pc.equal(size, 0))
    whole = pc.and_(plain, pc.invert(pc.match_substring(text, ".")))
    text = pc.if_else(pc.fill_null(whole, False), pc.binary_join_element_wise(text, "0", "."), text)
    odd = pc.and_(pc.is_valid(column), pc.invert(pc.fill_null(plain, True)))
    if not pc.any(odd).as_py():
        return text
    # Very large, very small and not-a-number values are rare enough for a loop.
    shortest, values = text.filter(odd).to_pylist(), column.filter(odd).to_pylist()
    spelled = [_java_scientific(short, value) for short, value in zip(shortest, values, strict=True)]
    return pc.replace_with_mask(text, odd, pa.array(spelled, pa.string()))


def timestamp_text(column: pa.Array, kind: DataType, options: FormatOptions) -> pa.Array:
    """For the CSV and JSON writers: `2024-01-02T03:04:05.678Z` (NTZ without a zone), or as asked for."""
    column = _one_array(column)
    is_ntz = isinstance(kind, TimestampNTZType)
    pattern = options.get("timestampNTZFormat" if is_ntz else "timestampFormat")
    column = column if is_ntz else column.cast(pa.timestamp(column.type.unit, options.time_zone))
    if pattern:
        return format_with_pattern(column, pattern)
    millis = pc.floor_temporal(column, unit="millisecond").cast(pa.timestamp("ms", column.type.tz))
    text = pc.strftime(millis, "%Y-%m-%dT%H:%M:%S" + ("" if is_ntz else "%Ez"))
    return pc.replace_substring_regex(text, r"\+00:00$", "Z")


def date_text(column: pa.Array, options: FormatOptions) -> pa.Array:
    """`2024-01-02`, or as `dateFormat` says."""
    pattern = options.get("dateFormat")
    column = _one_array(column)
    return format_with_pattern(column, pattern) if pattern else column.cast(pa.string())


def lines_to_bytes(lines: pa.Array, options: FormatOptions, *, header: str | None = None) -> bytes:
    """The text of a file: every line, also the last, is ended by `lineSep`."""
    separator = options.get("lineSep", default="\n")
    encoding = options.get("encoding", "charset", default="UTF-8")
    chunks = [] if header is None else [header + separator]
    for start in range(0, len(lines), LINES_AT_ONCE):
        part = lines.slice(start, LINES_AT_ONCE)
        joined = pc.binary_join(pa.ListArray.from_arrays([0, len(part)], part), separator)
        chunks.append(joined[0].as_py() + separator)
    return "".join(chunks).encode(encoding)


def _hex_text(column: pa.Array) -> pa.Array:
    """`[61 62]`, the way Spark shows binary. Arrow has no such kernel: one conversion per value."""
    values = [None if value is None else f"[{value.hex(' ').upper()}]" for value in column.to_pylist()]
    return pa.array(values, pa.string())


def _plain_decimal_text(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string())
    if not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    values = [None if value is None else f"{value:f}" for value in column.to_pylist()]
    return pa.array(values, pa.string())


def _java_scientific(shortest: str, value: float) -> str:
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[shortest]
    sign, digits, exponent = Decimal(shortest).normalize().as_tuple()
    if len(digits) == 1:
        # Java always gives two digits, and of those the closest: 4.9E-324, where one digit would say 5.
        mantissa, _, power = f"{value:.1e}".partition("e")
        return f"{mantissa}E{int(power)}"
    fraction = "".join(map(str, digits[1:]))
    return f"{'-' * sign}{digits[0]}.{fraction}E{len(digits) - 1 + int(exponent)}"


def _one_array(column: pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

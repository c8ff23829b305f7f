"""Statistics of a data file, as the JSON text that readers skip files by."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["INDEXED_COLUMNS", "statistics_text"]

INDEXED_COLUMNS = 32
"""delta.dataSkippingNumIndexedCols"""
TEXT_CHARS = 32
"""Longer texts are cut, the upper bound upwards."""

Bounds = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def statistics_text(table: pa.Table, indexed: int = INDEXED_COLUMNS) -> str:
    """Rows, and bounds and nulls of the first columns."""
    statistics: dict[str, Any] = {"numRecords": table.num_rows}
    names = table.column_names if indexed < 0 else table.column_names[:indexed]
    columns = {name: table[name].combine_chunks() for name in names}
    minimum, maximum, nulls = _of_columns(columns)
    statistics |= {"minValues": minimum, "maxValues": maximum, "nullCount": nulls}
    # Python prints decimals only as text, but JSON numbers have no limit.
    return json.dumps(statistics, separators=(",", ":"), ensure_ascii=False, default=_number)


def _of_columns(columns: dict[str, Any]) -> Bounds:
    minimum: dict[str, Any] = {}
    maximum: dict[str, Any] = {}
    nulls: dict[str, Any] = {}
    for name, values in columns.items():
        if isinstance(values, pa.ChunkedArray):
            values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.nulls(0, values.type)
        if pa.types.is_struct(values.type):
            inner = {f.name: pc.struct_field(values, f.name) for f in values.type}
            minimum[name], maximum[name], nulls[name] = _of_columns(inner)
            continue
        nulls[name] = values.null_count
        bounds = _bounds(values)
        if bounds is not None:
            minimum[name], maximum[name] = bounds
    return minimum, maximum, nulls


def _bounds(values: pa.Array) -> tuple[Any, Any] | None:
    """None where there is nothing to compare by, or no value."""
    kind = values.type
    if not _is_ordered(kind) or values.null_count == len(values):
        return None
    if pa.types.is_floating(kind) and pc.any(pc.is_nan(values)).as_py():
        return None  # Not-a-number is larger than all numbers, which JSON cannot say.
    found = pc.min_max(values).as_py()
    low, high = found["min"], found["max"]
    if isinstance(low, float) and not (math.isfinite(low) and math.isfinite(high)):
        return None
    return _spell(low, up=False), _spell(high, up=True)


def _is_ordered(kind: pa.DataType) -> bool:
    return (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
    )


def _spell(value: Any, *, up: bool) -> Any:
    if isinstance(value, datetime):
        return _moment(value, up=up)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and len(value) > TEXT_CHARS:
        return value[:TEXT_CHARS] + ("\U0010ffff" if up else "")
    return value


def _moment(value: datetime, *, up: bool) -> str:
    """To the millisecond, rounded outwards, because that is all that readers promise to read."""
    zoned = value.tzinfo is not None
    value = value.astimezone(UTC).replace(tzinfo=None) if zoned else value
    if up and value.microsecond % 1000:
        value += timedelta(milliseconds=1)
    text = f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}"
    return f"{text}Z" if zoned else text


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value) if value.as_tuple().exponent else int(value)
    raise TypeError(f"no statistics for {type(value).__name__}")

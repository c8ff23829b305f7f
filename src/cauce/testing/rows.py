"""Rows as tests write them: tuples, dicts, Rows, Arrow, pandas or a DataFrame, times as text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.conversion import LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    MapType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

__all__ = ["difference", "moment", "rows_of", "to_arrow"]


def rows_of(given: Sequence[Any]) -> Any:
    """The rows in the arguments of `add_data` or `check_answer`: one list or table, or row by row."""
    one = given[0] if len(given) == 1 else None
    return (
        one if isinstance(one, list | pa.Table | pa.RecordBatch | pd.DataFrame | DataFrame) else list(given)
    )


def to_arrow(rows: Any, schema: StructType, time_zone: str) -> pa.Table:
    """The rows in the columns of `schema`; text in a TIMESTAMP or DATE column is read as ISO 8601.

    A table's columns are found by name and cast; a bare value is a row of a one-column stream.
    """
    if isinstance(rows, DataFrame):
        rows = rows.toArrow()
    if isinstance(rows, pd.DataFrame):
        rows = pa.Table.from_pandas(rows, preserve_index=False)
    target = to_arrow_schema(schema, timezone="UTC")
    if isinstance(rows, pa.RecordBatch):
        rows = pa.Table.from_batches([rows])
    if isinstance(rows, pa.Table):
        return rows.select(schema.names).cast(target)
    if not rows:
        return target.empty_table()
    # Row by row, because a test adds a handful of them.
    records = [_record(row, schema, ZoneInfo(time_zone)) for row in rows]
    return LocalDataToArrowConversion.convert(records, schema, use_large_var_types=False).cast(target)


def moment(value: Any, time_zone: str) -> datetime:
    """A point in time given as text, datetime or milliseconds since the epoch."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, ZoneInfo("UTC"))
    read = datetime.fromisoformat(value) if isinstance(value, str) else value
    return read if read.tzinfo else read.replace(tzinfo=ZoneInfo(time_zone))


def difference(expected: pa.Table, actual: pa.Table, time_zone: str) -> list[str]:
    """One line per row that only one of them has; empty when they hold the same rows in any order."""
    wanted, found = _counted(expected, time_zone), _counted(actual, time_zone)
    missing = [f"- missing     {_times(row, count)}" for row, count in sorted((wanted - found).items())]
    surplus = [f"+ unexpected  {_times(row, count)}" for row, count in sorted((found - wanted).items())]
    return missing + surplus


def _times(row: str, count: int) -> str:
    return row if count == 1 else f"{row}  ({count} times)"


def _counted(table: pa.Table, time_zone: str) -> Counter[str]:
    zone = ZoneInfo(time_zone)
    return Counter(_shown_row(row, zone) for row in table.to_pylist())


def _shown_row(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    return "(" + ", ".join(f"{name}={_shown(value, zone)}" for name, value in row.items()) + ")"


def _shown(value: Any, zone: ZoneInfo) -> str:
    """A value as a test would write it, and equal for equal values only."""
    if isinstance(value, datetime):
        local = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
        return repr(local.isoformat(sep=" "))
    if isinstance(value, date):
        return repr(value.isoformat())
    if isinstance(value, Mapping):
        return _shown_row(value, zone)
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item, zone) for item in value) + "]"
    if isinstance(value, tuple):  # an entry of a map
        return " -> ".join(_shown(item, zone) for item in value)
    return repr(value)


def _record(row: Any, schema: StructType, zone: ZoneInfo) -> tuple[Any, ...]:
    if isinstance(row, Mapping):
        unknown = set(row) - set(schema.names)
        if unknown:
            raise ValueError(f"no column {', '.join(sorted(unknown))} in {schema.simpleString()}")
        row = tuple(row.get(name) for name in schema.names)
    elif not isinstance(row, tuple):
        row = (row,)
    if len(row) != len(schema.fields):
        raise ValueError(f"{len(row)} values for the columns {schema.simpleString()}: {row!r}")
    return tuple(_value(value, field.dataType, zone) for value, field in zip(row, schema.fields, strict=True))


def _value(value: Any, kind: DataType, zone: ZoneInfo) -> Any:
    """The value, with text in place of a time read."""
    if value is None:
        return None
    if isinstance(kind, StructType):
        return _record(value, kind, zone)
    if isinstance(kind, ArrayType):
        return [_value(item, kind.elementType, zone) for item in value]
    if isinstance(kind, MapType):
        return {_value(k, kind.keyType, zone): _value(v, kind.valueType, zone) for k, v in value.items()}
    if isinstance(value, str) and isinstance(kind, TimestampType):
        return moment(value, zone.key)
    if isinstance(value, str) and isinstance(kind, TimestampNTZType):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(kind, DateType):
        return date.fromisoformat(value)
    return value

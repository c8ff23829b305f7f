"""Columns of PostgreSQL as the text of COPY, and back."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import ArrayType, BinaryType, DataType, TimestampType

from cauce.jdbc.postgresql_types import ColumnType

__all__ = ["as_text", "from_text", "text_type"]

MOMENT = pa.timestamp("us")


def text_type(kind: DataType) -> pa.DataType:
    """What the CSV parser is told to make of a column."""
    if isinstance(kind, ArrayType | BinaryType):
        return pa.string()
    return MOMENT if isinstance(kind, TimestampType) else to_arrow_type(kind)


def from_text(column: pa.ChunkedArray, described: ColumnType, zone: str) -> pa.ChunkedArray:
    """The column in the type the user sees."""
    kind = described.kind
    if isinstance(kind, TimestampType):
        return _moments(column, zone if described.local else "UTC", zone)
    # Row by row, as Arrow has no kernel for either.
    if isinstance(kind, BinaryType):
        values = [None if text is None else bytes.fromhex(text) for text in column.to_pylist()]
        return pa.chunked_array([pa.array(values, pa.binary())])
    if isinstance(kind, ArrayType):
        wanted = to_arrow_type(kind, timezone=zone)
        return pa.chunked_array([pa.array([_elements(text, kind) for text in column.to_pylist()], wanted)])
    return column


def as_text(column: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """The column as something the CSV writer spells as PostgreSQL reads it."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        # With an offset, which a column with a zone needs and one without ignores.
        return pc.strftime(column.cast(pa.timestamp("us", zone)), format="%Y-%m-%d %H:%M:%S%z")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _each(column, lambda value: "\\x" + value.hex())
    if pa.types.is_list(kind):
        return _each(column, _array_text)
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    return column


def _moments(column: pa.ChunkedArray, read_in: str, zone: str) -> pa.ChunkedArray:
    instants = pc.assume_timezone(column, read_in, ambiguous="earliest", nonexistent="latest")
    return instants.cast(pa.timestamp("us", zone))


def _each(column: pa.ChunkedArray, text: Callable[[Any], str]) -> pa.ChunkedArray:
    """Row by row, as Arrow has no kernel for it."""
    values = [None if value is None else text(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.string())])


def _elements(text: str | None, kind: ArrayType) -> Any:
    """An array that PostgreSQL wrote as JSON, its numbers exact."""
    if text is None:
        return None
    return [_element(value, kind.elementType) for value in json.loads(text, parse_float=Decimal)]


def _element(value: Any, kind: DataType) -> Any:
    if value is None:
        return None
    match kind.typeName():
        case "array":
            return [_element(each, kind.elementType) for each in value]  # type: ignore[attr-defined]
        case "date":
            return date.fromisoformat(value)
        case "timestamp" | "timestamp_ntz":
            return datetime.fromisoformat(value)
        case "binary":
            return bytes.fromhex(value.removeprefix("\\x"))
        case "float" | "double":
            return float(value)
        case "string" if not isinstance(value, str):
            return json.dumps(value)
        case "decimal":
            return Decimal(value)
    return value


def _array_text(values: list[Any]) -> str:
    """`{1,NULL,"a \\"b\\""}`"""
    return "{" + ",".join(_array_element(value) for value in values) + "}"


def _array_element(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case list():
            return _array_text(value)
        case bytes():
            return '"\\\\x' + value.hex() + '"'
        case bool():
            return "t" if value else "f"
        case datetime() | date():
            return f'"{value.isoformat()}"'
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'

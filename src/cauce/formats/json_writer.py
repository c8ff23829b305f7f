"""Rows as Spark's JSON writer spells them, a column at a time."""

import base64
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    CalendarIntervalType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.formats.format_options import FormatOptions
from cauce.formats.text_columns import date_text, double_text, lines_to_bytes, timestamp_text

__all__ = ["supports", "to_bytes"]

ESCAPES = (
    ("\\", "\\\\"),
    ('"', '\\"'),
    ("\n", "\\n"),
    ("\r", "\\r"),
    ("\t", "\\t"),
    ("\b", "\\b"),
    ("\f", "\\f"),
)
OTHER_CONTROLS = [chr(code) for code in range(0x20) if chr(code) not in "\n\r\t\b\f"]


def supports(kind: DataType) -> bool:
    return not isinstance(kind, CalendarIntervalType)


def to_bytes(table: pa.Table, schema: StructType, options: FormatOptions) -> bytes:
    """One JSON object a line."""
    columns = [column.combine_chunks() for column in table.columns]
    rows = _Writer(options).object(columns, schema.fields, table.num_rows)
    return lines_to_bytes(rows, options)


class _Writer:
    """Columns in, JSON text out; nested types call themselves."""

    def __init__(self, options: FormatOptions) -> None:
        self._options = options
        self._keep_nulls = not options.flag("ignoreNullFields", True)

    def object(self, columns: Sequence[pa.Array], fields: Sequence[StructField], rows: int) -> pa.Array:
        """`{"a":1,"b":2}` per row; a null member is left out, or written if nulls are kept."""
        if not columns:
            return pa.array(["{}"] * rows, pa.string())
        members = []
        for column, field in zip(columns, fields, strict=True):
            text = self.value(column, field.dataType)
            text = pc.fill_null(text, "null") if self._keep_nulls else text
            members.append(pc.binary_join_element_wise(f",{_quoted_name(field.name)}:", text, ""))
        # Every member brings its own comma, so that one left out takes its comma along.
        inside = pc.binary_join_element_wise(*members, "", null_handling="replace", null_replacement="")
        return pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(inside, 1), "}", "")

    def value(self, column: pa.Array, kind: DataType) -> pa.Array:
        """Each value as JSON text; null stays null."""
        match kind:
            case StringType():
                return _quoted(_escaped(column.cast(pa.string())))
            case DoubleType() | FloatType():
                return self._double(column)
            case TimestampType() | TimestampNTZType():
                return _quoted(_escaped(timestamp_text(column, kind, self._options)))
            case DateType():
                return _quoted(_escaped(date_text(column, self._options)))
            case BinaryType():
                return _quoted(_base64(column))
            case StructType():
                text = self.object(column.flatten(), kind.fields, len(column))
                return pc.if_else(column.is_valid(), text, pa.scalar(None, pa.string()))
            case ArrayType():
                items = pc.fill_null(self.value(column.flatten(), kind.elementType), "null")
                return self._bracketed(column, items, "[", "]")
            case MapType():
                return self._map(column, kind)
        return column.cast(pa.string())

    def _double(self, column: pa.Array) -> pa.Array:
        text = double_text(column)
        # JSON has no such numbers, so Spark writes them as strings.
        special = pc.fill_null(pc.invert(pc.is_finite(column)), False)
        return pc.if_else(special, _quoted(text), text)

    def _map(self, column: pa.MapArray, kind: MapType) -> pa.Array:
        as_list = column.cast(pa.list_(pa.struct([column.type.key_field, column.type.item_field])))
        keys, values = as_list.flatten().flatten()
        texts = pc.fill_null(self.value(values, kind.valueType), "null")
        members = pc.binary_join_element_wise(_quoted(_escaped(keys.cast(pa.string()))), texts, ":")
        return self._bracketed(as_list, members, "{", "}")

    @staticmethod
    def _bracketed(column: pa.Array, items: pa.Array, opening: str, closing: str) -> pa.Array:
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        offsets = pa.array(np.concatenate([[0], lengths.cumsum()]), pa.int32())
        joined = pc.binary_join(pa.ListArray.from_arrays(offsets, items), ",")
        text = pc.binary_join_element_wise(opening, joined, closing, "")
        return pc.if_else(column.is_valid(), text, pa.scalar(None, pa.string()))


def _quoted_name(name: str) -> str:
    return _quoted(_escaped(pa.array([name])))[0].as_py()


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', text, '"', "")


def _escaped(text: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(text, r'[\x00-\x1f"\\]')).as_py():
        return text
    for character, escape in ESCAPES:
        text = pc.replace_substring(text, character, escape)
    if pc.any(pc.match_substring_regex(text, r"[\x00-\x1f]")).as_py():
        for character in OTHER_CONTROLS:
            text = pc.replace_substring(text, character, f"\\u{ord(character):04X}")
    return text


def _base64(column: pa.Array) -> pa.Array:
    # Arrow has no base64 kernel; one conversion per value.
    values = [None if value is None else base64.b64encode(value).decode() for value in column.to_pylist()]
    return pa.array(values, pa.string())

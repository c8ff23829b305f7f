"""The one form in which Arrow tables pass between cauce and Sail."""

import functools
import json

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import DataType, StructField, StructType, UserDefinedType

__all__ = ["conformed", "noted_schema", "with_notes"]

UDT = b"SAIL::spark::udt"
METADATA = b"SPARK::metadata::json"
"""How Sail notes on an Arrow field that Spark's type is a user defined one, and the column's metadata."""


def conformed(table: pa.Table, zone: str) -> pa.Table:
    """The same rows with instants labelled `zone`, list elements called `item`, and nested values that may be
    null, as in the schema's DDL text; copies nothing.

    Sail compares both when it checks that data fits a schema, and its own functions do not agree on them.
    """
    schema = _conformed_schema(table.schema, zone, _notes(table.schema))
    return table if schema.equals(table.schema, check_metadata=True) else table.cast(schema)


def noted_schema(schema: pa.Schema) -> StructType | None:
    """Spark's schema with the types and column metadata that Arrow only has as notes; None without any."""
    notes = _notes(schema)
    if not any(notes):
        return None
    fields = zip(from_arrow_schema(schema), notes, strict=True)
    return StructType([_noted_field(field, dict(note)) for field, note in fields])


def with_notes(table: pa.Table, schema: StructType) -> pa.Table:
    """The table with Spark's types and column metadata noted on it."""
    fields = [
        field.with_metadata(_note(noted)) for field, noted in zip(table.schema, schema.fields, strict=True)
    ]
    return table.cast(pa.schema(fields))


def _note(field: StructField) -> dict[bytes, bytes]:
    note = {METADATA: json.dumps(field.metadata).encode()}
    if isinstance(field.dataType, UserDefinedType):
        names = {"jvm_class": field.dataType.scalaUDT(), "python_class": _python_class(field.dataType)}
        note[UDT] = json.dumps(names).encode()
    return note


def _python_class(kind: UserDefinedType) -> str:
    return f"{kind.module()}.{type(kind).__name__}"


def _notes(schema: pa.Schema) -> tuple[tuple[tuple[bytes, bytes], ...], ...]:
    """By column what Sail noted on it, if that says anything."""
    return tuple(
        tuple(
            (key, value) for key, value in (field.metadata or {}).items() if key == UDT or _says(key, value)
        )
        for field in schema
    )


def _says(key: bytes, value: bytes) -> bool:
    return key == METADATA and value != b"{}"


def _noted_field(field: StructField, note: dict[bytes, bytes]) -> StructField:
    kind = _user_type(note[UDT], field.dataType) if UDT in note else field.dataType
    return StructField(field.name, kind, field.nullable, json.loads(note.get(METADATA, b"{}")))


def _user_type(note: bytes, stored: DataType) -> DataType:
    """The user's class, if it can be imported here; what it is stored as, if not."""
    try:
        return UserDefinedType.fromJson({"type": "udt", "pyClass": json.loads(note)["python_class"]})
    except (ImportError, AttributeError, KeyError, ValueError):
        return stored


@functools.lru_cache(maxsize=512)
def _conformed_schema(
    schema: pa.Schema, zone: str, notes: tuple[tuple[tuple[bytes, bytes], ...], ...]
) -> pa.Schema:
    # The notes are an argument because equal schemas may differ in them.
    return pa.schema(
        [
            pa.field(f.name, _conformed_type(f.type, zone), f.nullable, dict(note) or None)
            for f, note in zip(schema, notes, strict=True)
        ]
    )


def _conformed_type(kind: pa.DataType, zone: str) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", zone) if kind.tz is not None else kind
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _conformed_type(f.type, zone)) for f in kind])
    if pa.types.is_list(kind):
        return pa.list_(pa.field("item", _conformed_type(kind.value_type, zone)))
    if pa.types.is_map(kind):
        return pa.map_(_conformed_type(kind.key_type, zone), _conformed_type(kind.item_type, zone))
    return kind

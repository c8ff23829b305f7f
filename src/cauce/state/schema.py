"""Whether stored rows can be read under the schema an operator has now; tables brought to a schema."""

import re
from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema

from cauce.errors import SparkError

__all__ = ["check_schema", "difference", "nameless", "nullable", "refusal", "to_batch"]


def check_schema(
    stored_keys: pa.Schema,
    stored_values: pa.Schema,
    keys: pa.Schema,
    values: pa.Schema,
    *,
    path: str,
    allow_added_fields: bool,
) -> None:
    """SparkError naming the store and the field unless types agree, position by position, as Spark compares.

    Source: StateSchemaCompatibilityChecker.scala of Apache Spark 4.2; names do not matter there either.
    """
    if (reason := difference(stored_keys, keys)) is not None:
        raise refusal("key", stored_keys, keys, f"State store {path}: {reason}.")
    known = values
    if allow_added_fields and len(values) > len(stored_values):
        added = {f.name for f in values if f.name not in stored_values.names and f.nullable}
        known = pa.schema([f for f in values if f.name not in added])
    if (reason := difference(stored_values, known)) is not None:
        raise refusal("value", stored_values, values, f"State store {path}: {reason}.")


def difference(stored: pa.Schema, now: pa.Schema) -> str | None:
    """What is different apart from the fields' names; None if rows of the one can be read as the other's."""
    for old, new in zip(stored, now, strict=False):
        if old.type != new.type:
            return f"field {new.name} was {old.type} and is {new.type} now"
        if old.nullable and not new.nullable:
            return f"field {new.name} was nullable and is not now"
    if len(now) < len(stored):
        return f"field {stored.field(len(now)).name} is gone"
    return f"field {now.field(len(stored)).name} was added" if len(now) > len(stored) else None


def refusal(part: Literal["key", "value"], stored: pa.Schema, now: pa.Schema, reason: str) -> SparkError:
    """Spark's error about keys or values, followed by the reason."""
    name = part.capitalize()
    schemas = {f"stored{name}Schema": _spark_text(stored), f"new{name}Schema": _spark_text(now)}
    error = SparkError(f"STATE_STORE_{part.upper()}_SCHEMA_NOT_COMPATIBLE", **schemas)
    error.args = (f"{error}\n{reason}",)
    return error


def nameless(schema: pa.Schema) -> pa.Schema:
    """The schema without the names of nested fields, which do not matter to Spark either."""
    return pa.schema([field.with_type(_nameless(field.type)) for field in schema])


def _nameless(kind: pa.DataType) -> pa.DataType:
    """The type without the names of nested fields."""
    if pa.types.is_struct(kind):
        return pa.struct([(str(i), _nameless(kind.field(i).type)) for i in range(kind.num_fields)])
    if pa.types.is_list(kind):
        return pa.list_(_nameless(kind.value_type))
    return kind


def _spark_text(schema: pa.Schema) -> str:
    """As Scala prints a StructType: StructType(StructField(a,LongType,true))."""
    text = re.sub(r"Type\(\)", "Type", repr(from_arrow_schema(schema)))
    text = text.replace("[", "").replace("]", "").replace("'", "").replace(", ", ",")
    return text.replace("True", "true").replace("False", "false")


def nullable(schema: pa.Schema) -> pa.Schema:
    """The schema of rows that may be missing."""
    return pa.schema([field.with_nullable(True) for field in schema])


def to_batch(table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    """The table as one batch of exactly `schema`; ArrowInvalid if its values do not fit."""
    columns: Sequence[pa.ChunkedArray] = table.columns
    if len(columns) != len(schema):
        raise ValueError(f"expected the columns {schema.names}, got {table.column_names}")
    arrays = [_to_array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _to_array(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return array if array.type == kind else array.cast(kind)

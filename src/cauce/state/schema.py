"""Whether stored rows can be read under the schema an operator has now; tables brought to a schema."""

import re
from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema

from cauce.errors import SparkError

__all__ = ["check_schema", "nullable", "to_batch"]


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
    if (reason := _difference(stored_keys, keys, allow_added_fields=False)) is not None:
        raise _refusal(
            "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE",
            path,
            reason,
            storedKeySchema=_spark_text(stored_keys),
            newKeySchema=_spark_text(keys),
        )
    if (reason := _difference(stored_values, values, allow_added_fields=allow_added_fields)) is not None:
        raise _refusal(
            "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE",
            path,
            reason,
            storedValueSchema=_spark_text(stored_values),
            newValueSchema=_spark_text(values),
        )


def _difference(stored: pa.Schema, now: pa.Schema, *, allow_added_fields: bool) -> str | None:
    for old, new in zip(stored, now, strict=False):
        if old.type != new.type:
            return f"field {new.name} was {old.type} and is {new.type} now"
        if old.nullable and not new.nullable:
            return f"field {new.name} was nullable and is not now"
    if len(now) < len(stored):
        return f"field {stored.field(len(now)).name} is gone"
    for new in [now.field(i) for i in range(len(stored), len(now))]:
        if not (allow_added_fields and new.nullable):
            return f"field {new.name} was added"
    return None


def _refusal(condition: str, path: str, reason: str, **schemas: str) -> SparkError:
    error = SparkError(condition, **schemas)
    error.args = (f"{error}\nState store {path}: {reason}.",)
    return error


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

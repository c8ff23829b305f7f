"""Rows on their way into a table: its columns in its order, generated ones computed, constraints checked."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql.connect.proto import Expression, Project, Relation
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import StructField, StructType

from cauce.delta.actions import Metadata
from cauce.delta.columns import as_nullable
from cauce.delta.constraints import check_rows, expression_of
from cauce.delta.data_files import arrow_form
from cauce.engine import EngineSession, input_leaf
from cauce.plan.build import alias, attribute, star

__all__ = ["incoming_rows"]


def incoming_rows(
    table: pa.Table, data: StructType, metadata: Metadata, engine: EngineSession
) -> tuple[pa.Table, Metadata]:
    """The rows in the table's form; and its metadata, in which identity columns have moved on."""
    data_names = {name.lower(): name for name in data.names}
    rows = _computed(table, data, metadata, data_names, engine)
    rows, metadata = _numbered(rows, metadata, data_names)
    rows = rows.select(metadata.schema.names).cast(arrow_form(_nullable(metadata.schema)))
    check_rows(rows, metadata, engine)
    return rows, metadata


def _nullable(schema: StructType) -> StructType:
    """Nulls are refused by the check, which knows Delta's words, not by a cast."""
    return StructType([_nullable_field(f) for f in schema])


def _nullable_field(field: StructField) -> StructField:
    return StructField(field.name, as_nullable(field.dataType), True)


def _computed(
    table: pa.Table, data: StructType, metadata: Metadata, names: dict[str, str], engine: EngineSession
) -> pa.Table:
    """Columns as given, cast where the type differs, computed or null where they are missing."""
    if all(_as_is(field, data, names) for field in metadata.schema):
        return table.select([names[f.name.lower()] for f in metadata.schema]).rename_columns(
            metadata.schema.names
        )
    base = [alias(_given(f, data, names), f.name) for f in metadata.schema if not _generation(f, names)]
    relation = Relation(project=Project(input=input_leaf("rows"), expressions=base))
    generated = [
        alias(_cast(expression_of(sql), f), f.name) for f in metadata.schema if (sql := _generation(f, names))
    ]
    if generated:
        relation = Relation(project=Project(input=relation, expressions=[star(), *generated]))
    return engine.run(relation, {"rows": table})


def _as_is(field: StructField, data: StructType, names: dict[str, str]) -> bool:
    given = names.get(field.name.lower())
    return given is not None and as_nullable(data[given].dataType) == as_nullable(field.dataType)


def _generation(field: StructField, names: dict[str, str]) -> str | None:
    """The expression of a generated column that the rows do not bring."""
    if field.name.lower() in names:
        return None
    return (field.metadata or {}).get("delta.generationExpression")


def _given(field: StructField, data: StructType, names: dict[str, str]) -> Expression:
    name = names.get(field.name.lower())
    if name is None:
        default = (field.metadata or {}).get("CURRENT_DEFAULT")
        return _cast(expression_of(default or "NULL"), field)
    column = attribute(name)
    return column if _as_is(field, data, names) else _cast(column, field)


def _cast(expression: Expression, field: StructField) -> Expression:
    kind = pyspark_types_to_proto_types(field.dataType)
    return Expression(cast=Expression.Cast(expr=expression, type=kind))


def _numbered(rows: pa.Table, metadata: Metadata, names: dict[str, str]) -> tuple[pa.Table, Metadata]:
    """Identity columns that the rows do not bring get the next numbers."""
    fields: list[StructField] = []
    for field in metadata.schema:
        notes: dict[str, Any] = dict(field.metadata or {})
        if "delta.identity.start" in notes and field.name.lower() not in names and rows.num_rows:
            start, step = notes["delta.identity.start"], notes["delta.identity.step"]
            mark = notes.get("delta.identity.highWaterMark")
            first = start if mark is None else mark + step
            numbers = first + step * np.arange(rows.num_rows, dtype=np.int64)
            index = rows.column_names.index(field.name)
            rows = rows.set_column(index, field.name, pa.array(numbers, pa.int64()))
            notes["delta.identity.highWaterMark"] = int(numbers[-1])
        fields.append(StructField(field.name, field.dataType, field.nullable, notes))
    schema = StructType(fields)
    changed = schema.json() != metadata.schema.json()
    return rows, replace(metadata, schema_string=schema.json()) if changed else metadata

"""`transpose` and `freqItems`: computed here, because the columns of the answer depend on the rows."""

import math
from typing import Any

import pyarrow as pa
from pyspark.sql.connect.proto import Relation
from pyspark.sql.pandas.types import to_arrow_schema, to_arrow_type
from pyspark.sql.types import (
    ArrayType,
    AtomicType,
    DataType,
    DecimalType,
    DoubleType,
    NumericType,
    StringType,
    StructType,
)

from cauce.connect.preparation import Preparation, replace
from cauce.engine import local_relation
from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.plan.build import attribute, project
from cauce.plan.expression_text import output_name

__all__ = ["freq_items", "transpose"]

TRANSPOSED_ROWS_MAX = 500
"""spark.sql.transposeMaxValues"""
SUPPORT_MIN = 1e-4


def transpose(node: Relation, preparation: Preparation) -> None:
    """Rows become columns, named by the first column or the one given; rows without a name are left out."""
    engine = preparation.session.engine
    asked = node.transpose
    columns = engine.schema(asked.input)
    if not columns.fields:
        replace(node, local_relation(pa.table({"key": pa.array([], pa.string())})))
        return
    index = output_name(asked.index_columns[0]) if asked.index_columns else columns.names[0]
    field = next((each for each in columns if each.name.lower() == index.lower()), columns.fields[0])
    if not isinstance(field.dataType, AtomicType):
        what = f"Index column must be of atomic type, but found: {field.dataType.simpleString()}"
        raise AnalysisException("TRANSPOSE_INVALID_INDEX_COLUMN", reason=what)
    others = [each for each in columns if each is not field]
    kind = _common_type(others)
    rows = engine.run(asked.input)
    names_and_rows = enumerate(rows[field.name].to_pylist())
    named = sorted((str(name), at) for at, name in names_and_rows if name is not None)
    if len(named) > TRANSPOSED_ROWS_MAX:
        config = '"spark.sql.transposeMaxValues"'
        raise AnalysisException("TRANSPOSE_EXCEED_ROW_LIMIT", maxValues=TRANSPOSED_ROWS_MAX, config=config)
    wanted = to_arrow_type(kind, timezone=engine.time_zone)
    lines = [rows[each.name].cast(wanted) for each in others]
    table = [pa.array([each.name for each in others], pa.string())]
    table += [pa.array([line[at].as_py() for line in lines], wanted) for _, at in named]
    names = ["key", *(name for name, _ in named)]
    replace(node, local_relation(pa.Table.from_arrays(table, names=names)))


def _common_type(fields: list[Any]) -> DataType:
    kinds = list({field.dataType for field in fields})
    if len(kinds) <= 1:
        return kinds[0] if kinds else StringType()
    if all(isinstance(kind, NumericType) for kind in kinds):
        order = ("tinyint", "smallint", "int", "bigint", "float", "double")
        names = [kind.simpleString() for kind in kinds]
        if all(name in order for name in names):
            return max(kinds, key=lambda kind: order.index(kind.simpleString()))
        if not any(isinstance(kind, DecimalType) for kind in kinds):
            return DoubleType()
    names = [f'"{kind.simpleString().upper()}"' for kind in kinds]
    raise AnalysisException("TRANSPOSE_NO_LEAST_COMMON_TYPE", dt1=names[0], dt2=names[1])


def freq_items(node: Relation, preparation: Preparation) -> None:
    """Values in at least that share of the rows, by the counters of Karp, Schenker, Papadimitriou (2003)."""
    asked = node.freq_items
    support = asked.support if asked.HasField("support") else 0.01
    if not SUPPORT_MIN <= support <= 1.0:
        what = f"Support must be in [{SUPPORT_MIN}, 1], but got {support}."
        raise IllegalArgumentException(None, f"requirement failed: {what}")
    engine = preparation.session.engine
    chosen = project(asked.input, [attribute(name) for name in asked.cols])
    columns = engine.schema(chosen)
    schema = StructType()
    for field in columns:
        schema.add(f"{field.name}_freqItems", ArrayType(field.dataType))
    arrow = to_arrow_schema(schema, timezone=engine.time_zone)
    values: list[Any] = [None] * len(columns.fields)
    if preparation.running:
        rows = engine.run(chosen)
        values = [_frequent(column.to_pylist(), math.floor(1 / support)) for column in rows.columns]
    arrays = [pa.array([found], field.type) for found, field in zip(values, arrow, strict=True)]
    replace(node, local_relation(pa.Table.from_arrays(arrays, schema=arrow)))


def _frequent(values: list[Any], size: int) -> list[Any]:
    """At most `size` counters; a value that finds none free lowers all of them, as in FrequentItems.scala."""
    counts: dict[Any, int] = {}
    for value in values:  # each row changes the counters that the next one meets
        if value in counts or len(counts) < size:
            counts[value] = counts.get(value, 0) + 1
        else:
            counts = {key: count - 1 for key, count in counts.items() if count > 1}
    return list(counts)

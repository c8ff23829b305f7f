"""Parquet files with vectors or other user defined types, as their footers say."""

import os
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlparse

import pyarrow.parquet as pq
from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructField, StructType, UserDefinedType

from cauce.connect.preparation import Preparation, replace
from cauce.engine.arrow_form import noted_schema as noted_on_arrow
from cauce.engine.functions import map_arrow, passed
from cauce.formats.parquet_schema import noted_schema
from cauce.plan.walk import kind

__all__ = ["read_user_types"]


def read_user_types(node: Relation, preparation: Preparation) -> None:
    """Give a batch read of Parquet files the types that Spark, or Sail, noted in the first of them."""
    if kind(node) != "read" or node.read.is_streaming:
        return
    source = node.read.data_source
    if source.format.lower() != "parquet" or source.schema:
        return
    first = next(_data_files(source.paths), None)
    if first is None:
        return
    spark = noted_schema(first)
    if spark is not None:
        _as_spark_noted(node, spark, preparation)
    elif noted_on_arrow(pq.read_schema(first)) is not None:
        source.options["skip_metadata"] = "false"  # Sail's own notes are in the Arrow schema.


def _as_spark_noted(node: Relation, noted: StructType, preparation: Preparation) -> None:
    users = {f.name: f for f in noted if isinstance(f.dataType, UserDefinedType)}
    if not users:
        return
    found = preparation.session.engine.schema(node)
    schema = StructType([_typed(field, users) for field in found])
    replace(node, map_arrow(node, passed, schema, name="noted"))


def _typed(field: StructField, users: dict[str, StructField]) -> StructField:
    noted = users.get(field.name)
    return field if noted is None else StructField(field.name, noted.dataType, field.nullable, noted.metadata)


def _data_files(paths: Iterable[str]) -> Iterator[str]:
    """Local data files below the paths."""
    for path in paths:
        local = unquote(urlparse(path).path) if path.startswith("file:") else path
        if os.path.isfile(local):
            yield local
        for folder, _, names in os.walk(local):
            visible = (name for name in sorted(names) if name[0] not in "._")
            yield from (os.path.join(folder, name) for name in visible)

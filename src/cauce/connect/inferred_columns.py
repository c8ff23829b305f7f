"""The columns of files that are read without a schema, where Sail infers others than Spark."""

import os

from pyspark.sql.connect.proto import Expression, Relation, WithColumns
from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType

from cauce.connect.preparation import replace
from cauce.engine import EngineSession
from cauce.engine.ddl import ddl_text
from cauce.files import open_file_system
from cauce.formats.partition_path import infer_partition_schema, partition_values
from cauce.plan.build import attribute
from cauce.streaming.sources.file_listing import FileListing

__all__ = ["infer_as_spark"]


def infer_as_spark(node: Relation, local_paths: list[str], engine: EngineSession) -> None:
    """Rewrite, in place, a read without a schema: JSON by name, integers of folders as INT."""
    source = node.read.data_source
    format_name = source.format.lower()
    kinds = _partition_kinds(local_paths)
    if format_name == "json":
        columns = engine.schema(node)
        found = [field for field in columns if field.name not in kinds]
        typed = [StructField(name, kind) for name, kind in kinds.items()]
        source.schema = ddl_text(StructType([*_by_name(found), *typed]))
        return
    casts = {name: kind for name, kind in kinds.items() if not isinstance(kind, StringType)}
    if casts:
        _cast(node, casts)


def _partition_kinds(local_paths: list[str]) -> dict[str, DataType]:
    """Columns in folder names, and the types that their values suggest."""
    if len(local_paths) != 1 or not _has_partitions(local_paths[0]):
        return {}
    listing = FileListing(*open_file_system(local_paths[0]))
    found = [partition_values(file.path, listing.path) for file in listing.files()]
    schema = infer_partition_schema(found, None, infer_types=True)
    return {field.name: field.dataType for field in schema}


def _has_partitions(path: str) -> bool:
    return os.path.isdir(path) and any("=" in entry.name and entry.is_dir() for entry in os.scandir(path))


def _by_name(fields: list[StructField]) -> list[StructField]:
    return [StructField(f.name, _sorted(f.dataType)) for f in sorted(fields, key=lambda field: field.name)]


def _sorted(kind: DataType) -> DataType:
    if isinstance(kind, StructType):
        return StructType(_by_name(list(kind)))
    return ArrayType(_sorted(kind.elementType)) if isinstance(kind, ArrayType) else kind


def _cast(node: Relation, kinds: dict[str, DataType]) -> None:
    inner = Relation()
    inner.CopyFrom(node)
    inner.ClearField("common")
    aliases = [
        Expression.Alias(
            expr=Expression(cast=Expression.Cast(expr=attribute(name), type_str=kind.simpleString())),
            name=[name],
        )
        for name, kind in kinds.items()
    ]
    replace(node, Relation(with_columns=WithColumns(input=inner, aliases=aliases)))

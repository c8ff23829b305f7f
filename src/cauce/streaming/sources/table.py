"""A catalogue's table as a source: a Delta table, or the files it is stored in, as they appear."""

from dataclasses import replace

from pyspark.sql.types import StructType

from cauce.engine.catalog import describe_table
from cauce.errors import AnalysisException, UnsupportedOperationException
from cauce.files import open_file_system
from cauce.streaming.sources.delta import DeltaSource
from cauce.streaming.sources.file import FileSource
from cauce.streaming.sources.source import Source, SourceContext, SourceOptions

__all__ = ["TableSource"]

DELTA = "delta"
FILE_FORMATS = ("csv", "json", "orc", "parquet", "text")


class TableSource:
    """`readStream.table(name)`; `options.paths` holds the name."""

    def __new__(cls, options: SourceOptions, context: SourceContext) -> Source:
        # What runs is the Delta or file source itself, so its description and checkpoint are Spark's too.
        found = _files_of(options, context)
        return DeltaSource(found, context) if found.format == DELTA else FileSource(found, context)

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        found = _files_of(options, context)
        kind = DeltaSource if found.format == DELTA else FileSource
        return kind.describe_schema(found, context)


def _files_of(options: SourceOptions, context: SourceContext) -> SourceOptions:
    name = options.paths[0]
    table = describe_table(context.engine, name)
    if table is None:
        raise AnalysisException(
            "TABLE_OR_VIEW_NOT_FOUND", relationName=f"`{name}`", searchPath="[`spark_catalog`.`default`]"
        )
    if table.provider.lower() == DELTA:
        _, path = open_file_system(table.location)
        return replace(options, format=DELTA, schema=None, paths=(path,))
    if table.provider.lower() not in FILE_FORMATS:
        raise UnsupportedOperationException(
            "_LEGACY_ERROR_TEMP_2049", className=table.provider or table.kind, operator="reading"
        )
    return replace(
        options,
        format=table.provider,
        schema=table.schema,
        paths=(open_file_system(table.location)[1],),
        partition_by=table.partition_columns,
    )

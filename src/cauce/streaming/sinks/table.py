"""toTable for tables stored as files: the table is made if need be, then its folder is written."""

import os
from dataclasses import replace

from cauce.engine.catalog import TableDescription, describe_table
from cauce.engine.ddl import ddl_text
from cauce.errors import AnalysisException
from cauce.files import open_file_system
from cauce.streaming.sinks.file import FileSink
from cauce.streaming.sinks.sink import Sink, SinkContext, SinkOptions

__all__ = ["TableSink"]

WAREHOUSE = "spark.sql.warehouse.dir"
DEFAULT_FORMAT = "spark.sql.sources.default"


class TableSink:
    """What runs is the file sink, on the folder of the table."""

    output_modes: tuple[str, ...] = FileSink.output_modes

    def __new__(cls, options: SinkOptions, context: SinkContext) -> Sink:
        name = options.table_name or ""
        table = describe_table(context.engine, name) or _create(options, context, name)
        if not table.location:
            # Spark's words differ for temporary views and for views of the catalog.
            condition = "_LEGACY_ERROR_TEMP_1190" if table.kind == "TEMPORARY" else "_LEGACY_ERROR_TEMP_1191"
            raise AnalysisException(condition, viewName=name)
        provider = table.provider.lower()
        if options.format and options.format.lower() != provider:
            raise AnalysisException(
                None,
                f"The input source({options.format}) is different from the table {name}'s data source "
                f"provider({provider}).",
            )
        columns = options.partition_by or table.partition_columns
        path = os.path.abspath(table.location)
        return FileSink(replace(options, format=provider, path=path, partition_by=columns), context)


def _create(options: SinkOptions, context: SinkContext, name: str) -> TableDescription:
    """A table whose folder depends on its name only, so that a restarted process finds its rows again."""
    format = (options.format or context.conf.get(DEFAULT_FORMAT) or "parquet").lower()
    location = options.path or options.get("path") or _location(context, name)
    _, location = open_file_system(location)
    partitioned = ", ".join(f"`{column}`" for column in options.partition_by)
    context.engine.sql(
        f"CREATE TABLE {name} ({ddl_text(context.schema)}) USING {format} "
        + (f"PARTITIONED BY ({partitioned}) " if partitioned else "")
        + f"LOCATION '{location.replace(chr(39), chr(92) + chr(39))}'"
    )
    table = describe_table(context.engine, name)
    if table is None:
        raise AnalysisException(
            "TABLE_OR_VIEW_NOT_FOUND", relationName=f"`{name}`", searchPath="[`spark_catalog`.`default`]"
        )
    return table


def _location(context: SinkContext, name: str) -> str:
    """`<warehouse>/<table>`, or `<warehouse>/<database>.db/<table>`."""
    warehouse = context.conf.get(WAREHOUSE) or "spark-warehouse"
    *database, table = [part.strip("`") for part in name.lower().split(".")]
    folder = f"{database[-1]}.db/" if database and database[-1] != "default" else ""
    return f"{warehouse}/{folder}{table}"

"""toTable: the table is made if need be, then its folder is written, as files or as a Delta table."""

from dataclasses import replace

from cauce.delta.catalog import create_in_catalog
from cauce.delta.log import DeltaLog
from cauce.delta.properties import default_properties
from cauce.delta.writing import WriteOptions
from cauce.engine.catalog import TableDescription, describe_table
from cauce.engine.ddl import ddl_text
from cauce.errors import AnalysisException
from cauce.files import open_file_system
from cauce.streaming.sinks.delta import DeltaSink
from cauce.streaming.sinks.file import FileSink
from cauce.streaming.sinks.sink import Sink, SinkContext, SinkOptions

__all__ = ["TableSink"]

WAREHOUSE = "spark.sql.warehouse.dir"
DEFAULT_FORMAT = "spark.sql.sources.default"
DELTA = "delta"


class TableSink:
    """What runs is the Delta sink or the file sink, on the folder of the table."""

    output_modes: tuple[str, ...] = DeltaSink.output_modes

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
        _, path = open_file_system(table.location)
        if provider == DELTA:
            return DeltaSink(replace(options, format=DELTA, path=path), context)
        _refuse_mode(options, provider)
        columns = options.partition_by or table.partition_columns
        return FileSink(replace(options, format=provider, path=path, partition_by=columns), context)


def _refuse_mode(options: SinkOptions, provider: str) -> None:
    mode = options.output_mode.lower()
    if mode not in FileSink.output_modes:
        raise AnalysisException(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE", className=provider, outputMode=mode
        )


def _create(options: SinkOptions, context: SinkContext, name: str) -> TableDescription:
    """A table whose folder depends on its name only, so that a restarted process finds its rows again."""
    format = (options.format or context.conf.get(DEFAULT_FORMAT) or "parquet").lower()
    location = options.path or options.get("path") or _location(context, name)
    _, location = open_file_system(location)
    if format == DELTA:
        _create_delta(options, context, name, location)
    else:
        _create_files(options, context, name, format, location)
    table = describe_table(context.engine, name)
    if table is None:
        raise AnalysisException(
            "TABLE_OR_VIEW_NOT_FOUND", relationName=f"`{name}`", searchPath="[`spark_catalog`.`default`]"
        )
    return table


def _create_delta(options: SinkOptions, context: SinkContext, name: str, location: str) -> None:
    write = WriteOptions(options.partition_by, properties=default_properties(context.conf.values))
    log = DeltaLog(context.file_system, location)
    create_in_catalog(log, name, context.schema, write, engine=context.engine, clock=context.clock)


def _create_files(options: SinkOptions, context: SinkContext, name: str, format: str, location: str) -> None:
    partitioned = ", ".join(f"`{column}`" for column in options.partition_by)
    context.engine.sql(
        f"CREATE TABLE {name} ({ddl_text(context.schema)}) USING {format} "
        + (f"PARTITIONED BY ({partitioned}) " if partitioned else "")
        + f"LOCATION '{location.replace(chr(39), chr(92) + chr(39))}'"
    )


def _location(context: SinkContext, name: str) -> str:
    """`<warehouse>/<table>`, or `<warehouse>/<database>.db/<table>`."""
    warehouse = context.conf.get(WAREHOUSE) or "spark-warehouse"
    *database, table = [part.strip("`") for part in name.lower().split(".")]
    folder = f"{database[-1]}.db/" if database and database[-1] != "default" else ""
    return f"{warehouse}/{folder}{table}"

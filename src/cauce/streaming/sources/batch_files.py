"""Batch reads that the engine would not read as Spark does: the streams' readers, over all files at once."""

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql.connect.proto import Read

from cauce.clock import SystemClock
from cauce.conf import Conf
from cauce.engine import EngineSession
from cauce.files import open_file_system
from cauce.streaming.sources.file_listing import FileListing
from cauce.streaming.sources.file_reader import FileReader
from cauce.streaming.sources.file_schema import resolve_file_schema
from cauce.streaming.sources.sink_output import parse_schema, sink_log_files
from cauce.streaming.sources.source import SourceContext, SourceOptions

__all__ = ["is_read_here", "read_batch_files"]

ENGINES_CSV_OPTIONS = frozenset({"header", "sep", "delimiter", "path", "inferschema"})
"""With these alone, and all columns texts, the engine reads CSV as Spark does."""
INFERRING = {"spark.sql.streaming.schemaInference": "true"}


def is_read_here(source: Read.DataSource) -> bool:
    """Whether the engine would not know the format, or would read its values otherwise than Spark."""
    if source.format.lower() != "csv":
        return source.format.lower() == "orc"
    options = {name.lower(): value.lower() for name, value in source.options.items()}
    typed = source.schema or options.get("inferschema") == "true"
    return bool(typed) or not ENGINES_CSV_OPTIONS.issuperset(options)


def read_batch_files(source: Read.DataSource, engine: EngineSession, conf: Conf, *, rows: bool) -> pa.Table:
    """The rows of `spark.read.format(...).load(paths)`; without `rows` only its columns."""
    paths = list(source.paths) or [source.options[key] for key in source.options if key.lower() == "path"]
    tables = [_read(path, source, engine, conf, rows=rows) for path in paths]
    return pa.concat_tables(tables, promote_options="permissive")


def _read(path: str, source: Read.DataSource, engine: EngineSession, conf: Conf, *, rows: bool) -> pa.Table:
    file_system, path = open_file_system(path)
    declared = parse_schema(source.schema, engine) if source.schema else None
    options = SourceOptions(source.format, declared, (path,), dict(source.options))
    context = SourceContext(SystemClock(), Conf({**conf.values, **INFERRING}), file_system, "", engine)
    recursive = options.flag("recursiveFileLookup", False)
    listing = FileListing(file_system, path, options.get("pathGlobFilter"), recursive)
    schema = resolve_file_schema(options, context, listing)
    files: Sequence[str] = ()
    if rows:
        logged = sink_log_files(file_system, path)
        files = [file.path for file in listing.files()] if logged is None else logged
    table = FileReader(options, context, listing.base, schema).read(files)
    assert isinstance(table, pa.Table), f"{source.format} is the engine's to read"
    return table

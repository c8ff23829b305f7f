"""Batch reads inside a stream: the files there are when the query starts, in every batch, as in Spark."""

from pyspark.sql.connect.proto import Read, Relation
from pyspark.sql.types import StructType

from cauce.conf import parse_boolean
from cauce.engine import EngineSession
from cauce.errors import SparkError
from cauce.files import FileStatus, open_file_system
from cauce.formats.partition_path import infer_partition_schema, partition_values
from cauce.streaming.sources.file_glob import is_glob
from cauce.streaming.sources.file_listing import FileListing
from cauce.streaming.sources.file_relation import PartitionedFile, files_relation
from cauce.streaming.sources.sink_output import parse_schema

__all__ = ["found_files", "pinned_files"]

FORMATS = ("csv", "json", "parquet", "text")


def pinned_files(relation: Relation, engine: EngineSession) -> Relation | None:
    """The read over exactly the files found now; None for what is not a read of local files.

    Files that come later are not seen, tables that are no plain files (Delta) are as they are.
    """
    source = relation.read.data_source
    if source.format.lower() not in FORMATS:
        return None
    files = found_files(source)
    if not files:
        return None
    declared = parse_schema(source.schema, engine) if source.schema else None
    if declared is None and source.format.lower() == "parquet":
        declared = engine.schema(relation)
    return _scan(source, files, declared)


def found_files(source: Read.DataSource) -> list[tuple[FileStatus, dict[str, str | None]]]:
    """The files that a batch read means, with what their folders say."""
    return [(file, _partition(file, listing)) for listing in _listings(source) for file in listing.files()]


def _scan(
    source: Read.DataSource,
    files: list[tuple[FileStatus, dict[str, str | None]]],
    declared: StructType | None,
) -> Relation:
    partitions = infer_partition_schema((values for _, values in files), declared, infer_types=True)
    parts = [
        PartitionedFile(file.path, tuple(values.get(name) for name in partitions.names))
        for file, values in files
    ]
    data = declared and StructType([field for field in declared if field.name not in partitions.names])
    return files_relation(
        source.format, parts, data=data, partitions=partitions, options=dict(source.options)
    )


def _listings(source: Read.DataSource) -> list[FileListing]:
    options = {key.lower(): value for key, value in source.options.items()}
    paths = list(source.paths) or [options.get("path", "")]
    recursive = parse_boolean(options.get("recursivefilelookup", "false"))
    try:
        return [
            FileListing(*open_file_system(path), options.get("pathglobfilter"), recursive) for path in paths
        ]
    except SparkError:
        return []  # A file system that only the engine knows.


def _partition(file: FileStatus, listing: FileListing) -> dict[str, str | None]:
    """As in Spark, folders that a pattern or a recursive lookup goes through are no columns."""
    if listing.recursive or is_glob(listing.path):
        return {}
    return partition_values(file.path, listing.path)

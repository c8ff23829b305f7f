"""Reading a folder that a streaming file sink wrote: only what its `_spark_metadata` log lists counts.

Data files of a batch that failed half-way lie in the folder too; the log does not list them.
"""

import json

from pyspark.sql.connect.proto import LocalRelation, Read, Relation
from pyspark.sql.types import StructType

from cauce.checkpoint import SinkLog
from cauce.engine import EngineSession
from cauce.engine.ddl import ddl_text
from cauce.errors import AnalysisException, SparkError
from cauce.files import FileStatus, FileSystem, open_file_system
from cauce.formats.parquet_schema import noted_schema
from cauce.formats.partition_path import infer_partition_schema, partition_values
from cauce.plan.walk import transform
from cauce.streaming.sources.file_glob import is_glob
from cauce.streaming.sources.file_listing import FileListing
from cauce.streaming.sources.file_relation import PartitionedFile, files_relation

__all__ = [
    "SINK_LOG",
    "has_sink_log",
    "honour_sink_log",
    "listed_files",
    "sink_log_files",
    "sink_log_statuses",
]

SINK_LOG = "_spark_metadata"
FORMATS = ("csv", "json", "orc", "parquet", "text")


def has_sink_log(file_system: FileSystem, path: str) -> bool:
    """Whether a streaming file sink wrote into this folder."""
    return not is_glob(path) and file_system.exists(f"{path}/{SINK_LOG}")


def sink_log_statuses(file_system: FileSystem, path: str) -> list[FileStatus]:
    """The files the log lists, as it describes them."""
    return [
        FileStatus(file.path, file.size_bytes, file.modified_ms, False)
        for file in SinkLog(file_system, f"{path}/{SINK_LOG}").all_files()
    ]


def sink_log_files(file_system: FileSystem, path: str) -> list[str] | None:
    """The paths the log lists; None if the folder has no such log and simply counts as it is."""
    if not has_sink_log(file_system, path):
        return None
    return [file.path for file in sink_log_statuses(file_system, path)]


def honour_sink_log(relation: Relation, engine: EngineSession) -> Relation:
    """The same plan, with every batch read of a sink's output folder reading what the log lists.

    `engine` parses the schemas that are given as DDL; nothing is run.
    """
    return transform(relation, lambda each: _honour(each, engine))


def _honour(relation: Relation, engine: EngineSession) -> Relation:
    listed = listed_files(relation, engine) if relation.WhichOneof("rel_type") == "read" else None
    if listed is None:
        return relation
    listed.common.CopyFrom(relation.common)
    return listed


def listed_files(relation: Relation, engine: EngineSession) -> Relation | None:
    """What a batch read of a sink's output folder should read instead; None for any other read."""
    read = relation.read
    if read.is_streaming or not read.HasField("data_source"):
        return None
    source = read.data_source
    paths = list(source.paths) or [source.options[key] for key in source.options if key.lower() == "path"]
    # As in Spark, a read of several folders takes them as they are.
    if source.format.lower() not in FORMATS or len(paths) != 1:
        return None
    try:
        file_system, path = open_file_system(paths[0])
    except SparkError:
        return None  # A file system that only the engine knows.
    if not has_sink_log(file_system, path):
        return None
    return _listed_files(source, FileListing(file_system, path), engine)


def _listed_files(source: Read.DataSource, listing: FileListing, engine: EngineSession) -> Relation:
    files = listing.select(sink_log_statuses(listing.file_system, listing.path), listing.path)
    declared = parse_schema(source.schema, engine) if source.schema else _noted_schema(source.format, files)
    if not files and declared is not None:
        return Relation(local_relation=LocalRelation(schema=ddl_text(declared)))
    if not files:
        raise AnalysisException("UNABLE_TO_INFER_SCHEMA", format=source.format.capitalize())
    found = [partition_values(file.path, listing.path) for file in files]
    partitions = infer_partition_schema(found, declared, infer_types=True)
    parts = [
        PartitionedFile(file.path, tuple(values.get(name) for name in partitions.names))
        for file, values in zip(files, found, strict=True)
    ]
    names = set(partitions.names)
    data = declared and StructType([field for field in declared if field.name not in names])
    return files_relation(
        source.format, parts, data=data, partitions=partitions, options=dict(source.options)
    )


def parse_schema(text: str, engine: EngineSession) -> StructType:
    """A schema as the client sends it: JSON, or DDL for the engine to parse."""
    return StructType.fromJson(json.loads(text)) if text.startswith("{") else engine.parse_ddl(text)


def _noted_schema(format: str, files: list[FileStatus]) -> StructType | None:
    """Files of Spark and of cauce in one folder spell timestamps differently, but note the same columns."""
    return noted_schema(files[0].path) if files and format.lower() == "parquet" else None

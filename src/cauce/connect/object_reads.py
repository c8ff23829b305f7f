"""Batch reads of files in an object store: they are listed and brought here, then read as local ones.

So every format, schema inference and partition columns are the same as on a disk, and the session's settings
say where the bucket is and who asks, which Sail would only take from the environment.
"""

from collections.abc import Sequence

from pyspark.sql.connect.proto import Read, Relation
from pyspark.sql.types import StructType

from cauce.connect.inferred_columns import infer_as_spark
from cauce.connect.preparation import Preparation, replace
from cauce.engine import EngineSession
from cauce.errors import AnalysisException, SparkError
from cauce.files import FileStatus, is_local, local_copies, open_file_system, uri_of_path
from cauce.formats.parquet_schema import noted_schema
from cauce.formats.partition_path import infer_partition_schema
from cauce.streaming.sources.batch_files import is_read_here, read_batch_files
from cauce.streaming.sources.file_relation import PartitionedFile, files_relation
from cauce.streaming.sources.pinned_files import found_files
from cauce.streaming.sources.sink_output import listed_files, parse_schema

__all__ = ["is_object_read", "read_objects"]

FORMATS = frozenset({"csv", "json", "orc", "parquet", "text"})


def is_object_read(source: Read.DataSource) -> bool:
    """Whether a batch read of files is of an object store that cauce reads."""
    paths = list(source.paths) or [source.options[key] for key in source.options if key.lower() == "path"]
    return source.format.lower() in FORMATS and any(_is_object(path) for path in paths)


def read_objects(node: Relation, preparation: Preparation) -> None:
    """Put a read of local copies in the place of the read."""
    source, session = node.read.data_source, preparation.session
    if is_read_here(source):
        table = read_batch_files(
            source, session.engine, session.settings.snapshot(), rows=preparation.running
        )
        replace(node, session.engine.leaf(table, preparation.lease))
        return
    listed = listed_files(node, session.engine)
    replace(node, listed or _scan(source, session.engine, running=preparation.running))


def _scan(source: Read.DataSource, engine: EngineSession, *, running: bool) -> Relation:
    files = found_files(source)
    declared = parse_schema(source.schema, engine) if source.schema else None
    if not files and declared is None:
        raise AnalysisException("UNABLE_TO_INFER_SCHEMA", format=source.format.capitalize())
    partitions = infer_partition_schema((values for _, values in files), declared, infer_types=True)
    if not running and (declared is not None or source.format.lower() == "parquet"):
        files = files[:1]  # One tells as much about the columns as all.
    data = declared or _inferred(source, [file for file, _ in files], engine)
    parts = [
        PartitionedFile(file.path, tuple(values.get(name) for name in partitions.names))
        for file, values in files
    ]
    columns = StructType([field for field in data if field.name not in partitions.names])
    return files_relation(
        source.format, parts, data=columns, partitions=partitions, options=dict(source.options)
    )


def _inferred(source: Read.DataSource, files: Sequence[FileStatus], engine: EngineSession) -> StructType:
    is_parquet = source.format.lower() == "parquet"
    copies = local_copies([file.path for file in (files[:1] if is_parquet else files)])
    noted = noted_schema(copies[0]) if is_parquet else None
    if noted is not None:
        return noted
    read = Read.DataSource(
        format=source.format, paths=[uri_of_path(copy) for copy in copies], options=source.options
    )
    relation = Relation(read=Read(data_source=read))
    if source.format.lower() in ("csv", "json"):
        infer_as_spark(relation, [], engine)
    return engine.schema(relation)


def _is_object(path: str) -> bool:
    try:
        return not is_local(open_file_system(path)[1])
    except SparkError:
        return False

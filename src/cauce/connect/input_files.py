"""Batch reads that are not as Sail has them: formats read here, files that are not there or not listed."""

import os
from urllib.parse import unquote, urlparse

from pyspark.sql.connect.proto import Relation

from cauce.connect.inferred_columns import infer_as_spark
from cauce.connect.object_reads import is_object_read, read_objects
from cauce.connect.preparation import Preparation, replace
from cauce.errors import AnalysisException
from cauce.streaming.sources.batch_files import is_read_here, read_batch_files
from cauce.streaming.sources.batch_kafka import read_batch_kafka
from cauce.streaming.sources.pinned_files import pinned_files
from cauce.streaming.sources.sink_output import listed_files

__all__ = ["check_paths"]

FORMATS = frozenset({"csv", "json", "orc", "parquet", "text", "avro", "binaryfile", "xml"})
INFERRED = frozenset({"csv", "json", "parquet"})
GLOB = frozenset("*?[{")


def check_paths(node: Relation, preparation: Preparation) -> None:
    """PATH_NOT_FOUND for a batch read of local files by paths, none of which may be missing.

    A folder that a streaming file sink wrote is read by its log.
    """
    source = node.read.data_source
    if source.format.lower() == "kafka" and not node.read.is_streaming:
        engine = preparation.session.engine
        table = read_batch_kafka(source, engine, rows=preparation.running)
        replace(node, engine.leaf(table, preparation.lease))
        return
    if node.read.is_streaming or source.format.lower() not in FORMATS:
        return
    if is_object_read(source):
        read_objects(node, preparation)
        return
    for path in source.paths:
        local = _local_path(path)
        if local is None or GLOB & set(local):
            continue
        if not os.path.exists(local):
            raise AnalysisException("PATH_NOT_FOUND", path=f"file:{os.path.abspath(local)}")
        if not source.schema and source.format.lower() in ("parquet", "orc") and _is_empty(local):
            raise AnalysisException("UNABLE_TO_INFER_SCHEMA", format=source.format.capitalize())
    session = preparation.session
    if is_read_here(source) and all(_local_path(path) for path in source.paths):
        conf = session.settings.snapshot()
        table = read_batch_files(source, session.engine, conf, rows=preparation.running)
        replace(node, session.engine.leaf(table, preparation.lease))
        return
    listed = listed_files(node, session.engine)
    if listed is None and preparation.pinned:
        listed = pinned_files(node, session.engine)
    if listed is not None:
        replace(node, listed)
    elif not source.schema and source.format.lower() in INFERRED:
        locals_ = [local for path in source.paths if (local := _local_path(path)) and not GLOB & set(local)]
        infer_as_spark(node, locals_, session.engine)


def _local_path(path: str) -> str | None:
    """The path on this machine's disk, or None for another file system."""
    if path.startswith("file:"):
        return unquote(urlparse(path).path)
    return None if "://" in path else path


def _is_empty(path: str) -> bool:
    """Whether a folder holds no data file, partitions included."""
    if not os.path.isdir(path):
        return False
    return not any(name for _, _, names in os.walk(path) for name in names if not name.startswith(("_", ".")))

"""Reading files that are not there: Sail gives no rows, Spark an error."""

import os
from urllib.parse import unquote, urlparse

from pyspark.sql.connect.proto import Relation

from cauce.connect.preparation import Preparation
from cauce.errors import AnalysisException

__all__ = ["check_paths"]

FORMATS = frozenset({"csv", "json", "orc", "parquet", "text", "avro", "binaryfile", "xml"})
GLOB = frozenset("*?[{")


def check_paths(node: Relation, preparation: Preparation) -> None:
    """PATH_NOT_FOUND for a batch read of local files by paths, none of which may be missing."""
    source = node.read.data_source
    if node.read.is_streaming or source.format.lower() not in FORMATS:
        return
    for path in source.paths:
        local = _local_path(path)
        if local is None or GLOB & set(local):
            continue
        if not os.path.exists(local):
            raise AnalysisException("PATH_NOT_FOUND", path=f"file:{os.path.abspath(local)}")
        if not source.schema and source.format.lower() in ("parquet", "orc") and _is_empty(local):
            raise AnalysisException("UNABLE_TO_INFER_SCHEMA", format=source.format.capitalize())


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

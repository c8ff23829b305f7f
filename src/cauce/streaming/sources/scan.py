"""Scans: rows a source leaves for the engine to read, as a relation over files."""

from urllib.parse import unquote, urlparse

import pyarrow.parquet as pq
from pyspark.sql.connect.proto import Relation

__all__ = ["count_scan_rows"]


def count_scan_rows(scan: Relation) -> int | None:
    """The rows of a plain Parquet scan, from the files' footers; None when only reading them would tell."""
    source = scan.read.data_source
    if scan.WhichOneof("rel_type") != "read" or source.format.lower() != "parquet":
        return None
    return sum(pq.read_metadata(_local_path(path)).num_rows for path in source.paths)


def _local_path(path: str) -> str:
    return unquote(urlparse(path).path) if path.startswith("file:") else path

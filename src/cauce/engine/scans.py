"""How much a relation that scans files will read."""

import contextlib
import os
from urllib.parse import unquote, urlparse

from pyspark.sql.connect.proto import Relation

__all__ = ["SCAN_BYTES_MIN", "scan_bytes", "scan_paths"]

SCAN_BYTES_MIN = 512 * 1024
"""A scan of at least this many bytes of files is expected to give many rows."""


def scan_paths(scan: Relation) -> list[str]:
    """The local paths of the files a scan names."""
    return [_local_path(path) for path in scan.read.data_source.paths]


def scan_bytes(scan: Relation) -> int:
    """Bytes of the local files a scan reads; an unreadable path counts nothing (Sail will say so)."""
    total = 0
    for path in scan_paths(scan):
        with contextlib.suppress(OSError):
            total += os.stat(path).st_size
    return total


def _local_path(path: str) -> str:
    return unquote(urlparse(path).path) if path.startswith("file:") else path

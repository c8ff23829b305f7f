"""Scans: rows a source leaves to be read later, as a relation over files."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.connect.proto import Relation

from cauce.engine.scans import SCAN_BYTES_MIN, scan_paths

__all__ = ["count_scan_rows", "read_scan"]


def count_scan_rows(scan: Relation) -> int | None:
    """The rows of a plain Parquet scan, from the files' footers; None when only reading them would tell."""
    if not _is_plain(scan):
        return None
    return sum(pq.read_metadata(path).num_rows for path in scan_paths(scan))


def read_scan(scan: Relation, schema: pa.Schema) -> pa.Table | None:
    """These columns of a plain Parquet scan; None if a file has them otherwise, or not, or is broken.

    Then it is the engine that knows how they are converted, or how to say what is wrong.
    """
    if not _is_plain(scan) or scan.read.data_source.options:
        return None
    paths = scan_paths(scan)
    try:
        if not all(_fits(pq.read_schema(path), schema) for path in paths):
            return None
        if len(paths) == 1 and os.stat(paths[0]).st_size < SCAN_BYTES_MIN:
            found = pq.ParquetFile(paths[0]).read(columns=schema.names, use_threads=False)
        else:
            # Imported here because loading it costs time that a program with small files should not pay.
            from pyarrow import dataset

            found = dataset.dataset(paths, format="parquet").to_table(columns=schema.names)
        return found.select(schema.names).cast(schema)
    except (pa.ArrowException, OSError):
        return None


def _is_plain(scan: Relation) -> bool:
    return scan.WhichOneof("rel_type") == "read" and scan.read.data_source.format.lower() == "parquet"


def _fits(found: pa.Schema, wanted: pa.Schema) -> bool:
    """Whether the columns are there once each, in the same types; time zones are labels."""
    return all(
        len(found.get_all_field_indices(field.name)) == 1
        and not pa.types.is_nested(field.type)
        and _same_type(found.field(field.name).type, field.type)
        for field in wanted
    )


def _same_type(found: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_timestamp(wanted) and pa.types.is_timestamp(found):
        return found.unit == wanted.unit and (found.tz is None) == (wanted.tz is None)
    return found == wanted

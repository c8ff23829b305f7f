"""How a file becomes a table: one entry per format that is not left to the engine."""

import bz2
import gzip
import zlib
from collections.abc import Callable

import pyarrow as pa
from pyspark.sql.types import DataType, StructType

from cauce.formats.csv_reader import read_csv
from cauce.formats.csv_values import value_parser
from cauce.formats.format_options import FormatOptions
from cauce.formats.json_reader import read_json
from cauce.formats.orc_reader import read_orc
from cauce.formats.text_reader import read_text

__all__ = ["READERS", "constant_column", "decompress"]

READERS: dict[str, Callable[[bytes, StructType, FormatOptions], pa.Table]] = {
    "csv": read_csv,
    "json": read_json,
    "orc": read_orc,
    "text": read_text,
}
"""`reader(bytes, schema, options) -> table` with exactly the columns of the schema."""


def _zstd(data: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return stream.read()


DECOMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "bz2": bz2.decompress,
    "deflate": zlib.decompress,
    "gz": gzip.decompress,
    "zst": _zstd,
}


def decompress(path: str, data: bytes) -> bytes:
    """Undo the compression that a file's name tells, as Hadoop does."""
    return DECOMPRESSORS.get(path.rpartition(".")[2], bytes)(data)


def constant_column(text: str | None, kind: DataType, arrow_type: pa.DataType, rows: int) -> pa.Array:
    """A column of one value, from the name of a partition folder."""
    if text is None:
        return pa.nulls(rows, arrow_type)
    return pa.repeat(pa.scalar(value_parser(kind, FormatOptions())(text), arrow_type), rows)

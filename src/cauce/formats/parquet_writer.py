"""The Parquet format, as Spark and Sail both read it."""

from io import BufferedIOBase, RawIOBase

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.types import CalendarIntervalType, DataType, NullType, StructType

from cauce.errors import IllegalArgumentException
from cauce.formats.format_options import FormatOptions
from cauce.formats.parquet_schema import ROW_METADATA

__all__ = ["extension", "supports", "write"]

# Codec -> what Spark puts in the file's name.
EXTENSIONS = {
    "none": "",
    "uncompressed": "",
    "snappy": ".snappy",
    "gzip": ".gz",
    "zstd": ".zstd",
    "brotli": ".br",
    "lz4": ".lz4hadoop",
    "lz4_raw": ".lz4raw",
}
ARROW_CODECS = {"uncompressed": "none", "lz4_raw": "lz4"}


def supports(kind: DataType) -> bool:
    return not isinstance(kind, NullType | CalendarIntervalType)


def extension(options: FormatOptions) -> str:
    return f"{EXTENSIONS[_codec(options)]}.parquet"


def write(
    table: pa.Table, schema: StructType, file: RawIOBase | BufferedIOBase, options: FormatOptions
) -> None:
    """Timestamps as microseconds, which every reader of this decade understands without a zone."""
    codec = _codec(options)
    writer = pq.ParquetWriter(
        pa.PythonFile(file, mode="w"),
        table.schema,
        compression=ARROW_CODECS.get(codec, codec),
        version="2.6",
        coerce_timestamps="us",
        store_schema=False,
        store_decimal_as_integer=True,
    )
    with writer:
        writer.write_table(table)
        # Spark's own note on the columns keeps what Parquet cannot say: comments, char lengths, intervals.
        writer.add_key_value_metadata({ROW_METADATA: schema.json().encode()})


def _codec(options: FormatOptions) -> str:
    name = options.get("compression", "parquet.compression", default="snappy").lower()
    # Arrow writes only the standard LZ4 block format, which Spark calls lz4_raw.
    if name not in EXTENSIONS or name == "lz4":
        known = ", ".join(sorted(set(EXTENSIONS) - {"lz4"}))
        raise IllegalArgumentException(
            "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", codecName=name, availableCodecs=known
        )
    return name

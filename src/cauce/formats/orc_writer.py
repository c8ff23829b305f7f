"""The ORC format."""

from io import BufferedIOBase, RawIOBase

import pyarrow as pa
from pyspark.sql.types import (
    CalendarIntervalType,
    DataType,
    NullType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.errors import IllegalArgumentException
from cauce.formats.format_options import FormatOptions

__all__ = ["KIND_NOTE", "NTZ", "extension", "supports", "write"]

KIND_NOTE, NTZ = "spark.sql.catalyst.type", "timestamp_ntz"
"""How Spark tells its two kinds of timestamps apart in ORC, which has one."""

EXTENSIONS = {
    "none": "",
    "uncompressed": "",
    "snappy": ".snappy",
    "zlib": ".zlib",
    "zstd": ".zstd",
    "lz4": ".lz4",
}


def supports(kind: DataType) -> bool:
    return not isinstance(kind, NullType | CalendarIntervalType)


def extension(options: FormatOptions) -> str:
    return f"{EXTENSIONS[_codec(options)]}.orc"


def write(
    table: pa.Table, schema: StructType, file: RawIOBase | BufferedIOBase, options: FormatOptions
) -> None:
    """Timestamps as the wall clock of the session's zone, which is what Spark stores in ORC."""
    # Imported here because it is slow to load and few streams write ORC.
    from pyarrow import orc

    codec = _codec(options)
    for index, field in enumerate(schema):
        if isinstance(field.dataType, TimestampType):
            table = table.set_column(index, field.name, _wall_clock(table.column(index), options.time_zone))
        elif isinstance(field.dataType, TimestampNTZType):
            noted = pa.field(field.name, table.column(index).type, metadata={KIND_NOTE: NTZ})
            table = table.set_column(index, noted, table.column(index))
    compression = "uncompressed" if EXTENSIONS[codec] == "" else codec
    orc.write_table(table, pa.PythonFile(file, mode="w"), compression=compression)


def _wall_clock(column: pa.ChunkedArray, time_zone: str) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.local_timestamp(column.cast(pa.timestamp("us", time_zone)))


def _codec(options: FormatOptions) -> str:
    name = options.get("compression", "orc.compress", default="zstd").lower()
    if name not in EXTENSIONS:
        known = ", ".join(sorted(EXTENSIONS))
        raise IllegalArgumentException(
            "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", codecName=name, availableCodecs=known
        )
    return name

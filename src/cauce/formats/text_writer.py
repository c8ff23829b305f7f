"""The text format: the one string column, a value a line."""

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import DataType, StringType, StructType

from cauce.formats.format_options import FormatOptions
from cauce.formats.text_columns import lines_to_bytes

__all__ = ["supports", "to_bytes"]


def supports(kind: DataType) -> bool:
    return isinstance(kind, StringType)


def to_bytes(table: pa.Table, schema: StructType, options: FormatOptions) -> bytes:
    """A null is an empty line."""
    column = table.column(0).combine_chunks().cast(pa.string())
    return lines_to_bytes(pc.fill_null(column, ""), options)

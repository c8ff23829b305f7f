"""How a table becomes a file: one entry per format."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase, RawIOBase

import pyarrow as pa
from pyspark.sql.types import DataType, StructType

from cauce.errors import AnalysisException
from cauce.formats import csv_writer, json_writer, orc_writer, parquet_writer, text_writer
from cauce.formats.compression import compress, text_extension
from cauce.formats.format_options import FormatOptions

__all__ = ["WRITERS", "FormatWriter"]


@dataclass(frozen=True)
class FormatWriter:
    """`write(table, schema, file, options)`; `extension` is everything after the name, dots included."""

    label: str
    extension: Callable[[FormatOptions], str]
    write: Callable[[pa.Table, StructType, RawIOBase | BufferedIOBase, FormatOptions], None]
    supports: Callable[[DataType], bool]

    def check(self, schema: StructType) -> None:
        """AnalysisException for the first column the format cannot hold."""
        for field in schema.fields:
            if not self.supports(field.dataType):
                raise AnalysisException(
                    "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                    format=self.label,
                    columnName=f"`{field.name}`",
                    columnType=f'"{field.dataType.simpleString().upper()}"',
                )


def _text_format(label: str, suffix: str, to_bytes: Callable, supports: Callable) -> FormatWriter:
    def write(
        table: pa.Table, schema: StructType, file: RawIOBase | BufferedIOBase, options: FormatOptions
    ) -> None:
        file.write(compress(to_bytes(table, schema, options), options))

    return FormatWriter(label, lambda options: text_extension(suffix, options), write, supports)


WRITERS: dict[str, FormatWriter] = {
    "csv": _text_format("CSV", ".csv", csv_writer.to_bytes, csv_writer.supports),
    "json": _text_format("JSON", ".json", json_writer.to_bytes, json_writer.supports),
    "orc": FormatWriter("ORC", orc_writer.extension, orc_writer.write, orc_writer.supports),
    "parquet": FormatWriter(
        "Parquet", parquet_writer.extension, parquet_writer.write, parquet_writer.supports
    ),
    "text": _text_format("Text", ".txt", text_writer.to_bytes, text_writer.supports),
}

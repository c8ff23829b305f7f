"""Rows sorted into folders named after their partition columns: `year=2026/month=3`."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import StructType

from cauce.formats.partition_path import DEFAULT_PARTITION, escape_name
from cauce.formats.text_columns import cast_to_text

__all__ = ["partition_folders"]

FOLDER = "__folder"
ROW = "__row"


def partition_folders(
    table: pa.Table, schema: StructType, columns: Sequence[str], time_zone: str
) -> Iterator[tuple[str, pa.Table]]:
    """Each folder that has rows, with its rows in their order and without the partition columns."""
    kept = table.drop_columns(list(columns))
    if not columns:
        yield "", kept
        return
    folders = _folder_of_each_row(table, schema, columns, time_zone)
    numbered = pa.table({FOLDER: folders, ROW: pa.array(range(table.num_rows), pa.int64())})
    groups = numbered.group_by(FOLDER, use_threads=False).aggregate([(ROW, "list")]).sort_by(FOLDER)
    for folder, rows in zip(groups[FOLDER].to_pylist(), groups[f"{ROW}_list"].chunk(0), strict=True):
        yield folder, kept.take(rows.values)


def _folder_of_each_row(
    table: pa.Table, schema: StructType, columns: Sequence[str], time_zone: str
) -> pa.ChunkedArray:
    parts = []
    for column in columns:
        encoded = pc.dictionary_encode(table[column].combine_chunks(), null_encoding="encode")
        values = cast_to_text(encoded.dictionary, schema[column].dataType, time_zone).to_pylist()
        # One Python string per distinct value, not per row.
        names = [
            f"{escape_name(column)}={escape_name(value) if value else DEFAULT_PARTITION}" for value in values
        ]
        parts.append(pa.array(names, pa.string()).take(encoded.indices))
    return pc.binary_join_element_wise(*parts, "/")

"""Arrow rows as data files of a table: one Parquet file for each partition, with its statistics."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType, TimestampType

from cauce.clock import Clock
from cauce.delta.actions import Action, AddFile, Metadata, path_text
from cauce.delta.log import DeltaLog
from cauce.delta.statistics import INDEXED_COLUMNS, statistics_text
from cauce.formats.partition_folders import partition_folders
from cauce.formats.partition_path import partition_values

__all__ = [
    "CHANGE_TYPE",
    "arrow_form",
    "partitions_of",
    "with_change_type",
    "write_change_files",
    "write_files",
]

CHANGE_FOLDER = "_change_data"
CHANGE_TYPE = "_change_type"


def arrow_form(schema: StructType) -> pa.Schema:
    """The Arrow spelling of a table's columns, moments in UTC."""
    return to_arrow_schema(schema, timezone="UTC")


def write_files(
    log: DeltaLog, metadata: Metadata, table: pa.Table, clock: Clock, *, rows_max: int | None = None
) -> list[AddFile]:
    """Write rows that have the table's columns, durably; the files count once they are committed."""
    indexed = int(metadata.configuration.get("delta.dataSkippingNumIndexedCols", INDEXED_COLUMNS))
    files = []
    for path, values, rows in _written(log, metadata, table, "", rows_max):
        raw = _described(log, path, values, clock)
        files.append(AddFile({**raw, "dataChange": True, "stats": statistics_text(rows, indexed)}))
    return files


def write_change_files(log: DeltaLog, metadata: Metadata, table: pa.Table, clock: Clock) -> list[Action]:
    """Write rows of the change data feed, which have a column `_change_type` besides."""
    actions = []
    for path, values, _ in _written(log, metadata, table, f"{CHANGE_FOLDER}/", None):
        raw = _described(log, path, values, clock)
        del raw["modificationTime"]
        actions.append({"cdc": {**raw, "dataChange": False}})
    return actions


def partitions_of(metadata: Metadata, table: pa.Table) -> list[dict[str, str | None]]:
    """The values of the partitions that rows belong to."""
    rows = table.select(metadata.schema.names)
    return [_serialized(folder, metadata) for folder, _ in _partitions(metadata, rows)]


def _written(
    log: DeltaLog, metadata: Metadata, table: pa.Table, prefix: str, rows_max: int | None
) -> Iterator[tuple[str, dict[str, str | None], pa.Table]]:
    """Each file written: its path below the table, its partition and its rows."""
    folders = set()
    for folder, rows in _partitions(metadata, table):
        target = f"{log.path}/{prefix}{folder}".rstrip("/")
        if target not in folders:
            log.file_system.make_dirs(target)
            folders.add(target)
        values = _serialized(folder, metadata) if folder else {}
        for piece in _pieces(rows, rows_max):
            kind = "cdc" if prefix else "part"
            path = f"{prefix}{folder}/{kind}-00000-{uuid.uuid4()}.c000.snappy.parquet".lstrip("/")
            _write(log, f"{log.path}/{path}", piece)
            yield path, values, piece
    for folder in sorted(folders):
        log.file_system.sync_folder(folder)


def _partitions(metadata: Metadata, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    if not table.num_rows:
        return iter(())
    return partition_folders(table, metadata.schema, metadata.partition_columns, "UTC")


def _pieces(rows: pa.Table, rows_max: int | None) -> Sequence[pa.Table]:
    if not rows_max or rows.num_rows <= rows_max:
        return (rows,)
    return [rows.slice(start, rows_max) for start in range(0, rows.num_rows, rows_max)]


def _write(log: DeltaLog, path: str, rows: pa.Table) -> None:
    with (
        log.file_system.create_durable(path, sync_folder=False) as file,
        pq.ParquetWriter(
            pa.PythonFile(file, mode="w"),
            rows.schema,
            compression="snappy",
            version="2.6",
            coerce_timestamps="us",
            store_schema=False,
            store_decimal_as_integer=True,
        ) as writer,
    ):
        writer.write_table(rows)


def _described(log: DeltaLog, path: str, values: dict[str, str | None], clock: Clock) -> dict[str, Any]:
    return {
        "path": path_text(path),
        "partitionValues": values,
        "size": log.file_system.status(f"{log.path}/{path}").size_bytes,
        "modificationTime": clock.now_ms(),
    }


def _serialized(folder: str, metadata: Metadata) -> dict[str, str | None]:
    """The values of a folder as the log spells them; moments say that they are in UTC."""
    values = partition_values(f"{folder}/file", None)
    for field in metadata.partition_schema:
        value = values.get(field.name)
        if value is not None and isinstance(field.dataType, TimestampType):
            day, _, time = value.partition(" ")
            whole, _, fraction = time.partition(".")
            values[field.name] = f"{day}T{whole}.{fraction.ljust(6, '0')}Z"
    return values


def with_change_type(table: pa.Table, kind: str) -> pa.Table:
    """The rows as changes of one kind."""
    return table.append_column(CHANGE_TYPE, pa.repeat(pa.scalar(kind, pa.string()), table.num_rows))

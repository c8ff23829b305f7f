"""The file sink: new files for every batch, and a log that says which files are the answer."""

import uuid

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.checkpoint import CompactionSettings, SinkFile, SinkLog
from cauce.conf import parse_time_ms
from cauce.errors import AnalysisException, ConcurrentModificationException, IllegalArgumentException
from cauce.files import is_local, open_file_system, shown_path
from cauce.formats import WRITERS, FormatOptions
from cauce.formats.partition_folders import partition_folders
from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["FileSink", "output_path"]

SINK_LOG = "_spark_metadata"


class FileSink:
    """Data files get their final names at once; the log entry makes them count.

    On a disk a batch's names depend on the query and the batch only: an attempt that failed before the log
    entry is overwritten by the next, so even readers that know no log find each row once, a crash aside. In
    an object store an old run on another machine may still be writing, so every attempt has its own names.

    A batch that is in the log already changes nothing, so each row is in the answer exactly once for
    readers that honour the log: Spark, and cauce.
    """

    output_modes: tuple[str, ...] = ("append",)

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        _, self._path = open_file_system(output_path(options))
        self._query_id = context.query_id
        self._file_system = context.file_system
        self._schema = context.schema
        self._partition_by = _partition_columns(options, context.schema)
        self._data_schema = StructType([f for f in context.schema if f.name not in self._partition_by])
        self._writer = WRITERS[options.format.lower()]
        self._writer.check(self._data_schema)
        time_zone = options.get("timeZone") or context.engine.time_zone
        self._write_options = FormatOptions(options.options, time_zone)
        self._extension = self._writer.extension(self._write_options)
        self._arrow_schema = to_arrow_schema(context.schema, timezone=time_zone)
        self._log = _sink_log(options, context, self._path)
        self._log.settle()
        self._latest_batch_id = self._log.latest_id()

    def description(self) -> str:
        return f"FileSink[{shown_path(self._path)}]"

    def latest_batch_id(self) -> int:
        return -1 if self._latest_batch_id is None else self._latest_batch_id

    def add_batch(self, batch_id: int, table: pa.Table) -> None:
        latest = self._latest_batch_id
        if latest is not None and batch_id <= latest:
            return
        # As in Spark, an answer without rows has a file, because it has columns; one such file is enough.
        needs_file = table.num_rows > 0 or (latest is None and not self._partition_by)
        try:
            files = self._write(batch_id, table.cast(self._arrow_schema)) if needs_file else []
        except FileExistsError:  # Another run of the query writes this batch at this moment.
            raise ConcurrentModificationException("CONCURRENT_STREAM_LOG_UPDATE", batchId=batch_id) from None
        if not self._log.add(batch_id, files):
            raise ConcurrentModificationException("CONCURRENT_STREAM_LOG_UPDATE", batchId=batch_id)
        self._latest_batch_id = batch_id

    def stop(self) -> None:
        """Nothing is held."""

    def _write(self, batch_id: int, table: pa.Table) -> list[SinkFile]:
        """Write all rows durably; every file is whole and named before any of them is logged."""
        written, folders = [], {self._path}
        time_zone = self._write_options.time_zone
        for folder, rows in partition_folders(table, self._schema, self._partition_by, time_zone):
            target = f"{self._path}/{folder}".rstrip("/")
            self._file_system.make_dirs(target)
            written.append(self._write_file(f"{target}/{self._file_name(batch_id, folder)}", rows))
            folders.add(target)
        for target in sorted(folders):
            self._file_system.sync_folder(target)
        return written

    def _write_file(self, path: str, rows: pa.Table) -> SinkFile:
        if is_local(path):
            self._file_system.delete(path)  # Left by an attempt that failed.
        with self._file_system.create_durable(path, sync_folder=False) as file:
            self._writer.write(rows, self._data_schema, file, self._write_options)
        status = self._file_system.status(path)
        return SinkFile(path, status.size_bytes, status.modified_ms)

    def _file_name(self, batch_id: int, folder: str) -> str:
        # Spark separates the counter by a dot in partition folders and by a dash elsewhere.
        counter = ".c000" if self._partition_by else "-c000"
        unique = uuid.uuid4()
        if is_local(self._path):
            unique = uuid.uuid5(uuid.NAMESPACE_OID, f"{self._query_id}/{batch_id}/{folder}")
        return f"part-00000-{unique}{counter}{self._extension}"


def output_path(options: SinkOptions) -> str:
    """The folder the user named; without one there is nothing to start."""
    path = options.path or options.get("path")
    if not path:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_2047")
    return path


def _partition_columns(options: SinkOptions, schema: StructType) -> list[str]:
    """The columns of `partitionBy`, spelled as in the schema."""
    names = {field.name.lower(): field.name for field in schema}
    for column in options.partition_by:
        if column.lower() not in names:
            raise AnalysisException(
                "_LEGACY_ERROR_TEMP_1196",
                columnType="Partition",
                columnName=column,
                validColumnNames=", ".join(schema.names),
            )
    columns = [names[column.lower()] for column in options.partition_by]
    if columns and len(columns) == len(schema.fields):
        raise AnalysisException("ALL_PARTITION_COLUMNS_NOT_ALLOWED")
    return columns


def _sink_log(options: SinkOptions, context: SinkContext, path: str) -> SinkLog:
    retention = options.get("retention")
    return SinkLog(
        context.file_system,
        f"{path}/{SINK_LOG}",
        settings=CompactionSettings.of_sink(context.conf),
        clock=context.clock,
        retention_ms=None if retention is None else parse_time_ms(retention, default_unit="ms"),
    )

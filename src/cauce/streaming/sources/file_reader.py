"""Reading the files of one batch."""

import zlib
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.connect.proto import Relation
from pyspark.sql.pandas.types import to_arrow_schema

from cauce.conf import parse_boolean
from cauce.errors import SparkError
from cauce.files import FileStatus
from cauce.formats import READERS, FormatOptions, constant_column, decompress
from cauce.formats.partition_path import partition_values
from cauce.streaming.sources.file_metadata import METADATA_FIELD, metadata_column
from cauce.streaming.sources.file_relation import PartitionedFile, files_relation
from cauce.streaming.sources.file_schema import FileSchema, reader_options
from cauce.streaming.sources.source import SourceContext, SourceOptions

__all__ = ["FileReader"]


class FileReader:
    """Files in; a table out, or for Parquet a relation that the engine scans. Empty files have no rows."""

    def __init__(
        self, options: SourceOptions, context: SourceContext, base: str | None, schema: FileSchema
    ) -> None:
        self._format = options.format.lower()
        self._options = reader_options(options)
        self._context = context
        self._base = base
        self._schema = schema
        self._arrow_schema = to_arrow_schema(schema.all, timezone="UTC")
        self._ignore_missing = _flag("ignoreMissingFiles", options, context)
        self._ignore_corrupt = _flag("ignoreCorruptFiles", options, context)

    def read(self, paths: Iterable[str]) -> "pa.Table | Relation":
        """The rows of these files."""
        statuses = [self._status(path) for path in paths]
        files = [self._partitioned(status) for status in statuses if status is not None and status.size_bytes]
        if not files:
            return self._arrow_schema.empty_table()
        if self._format in READERS:
            return pa.concat_tables([self._read_or_skip(file) for file in files])
        if self._ignore_corrupt:
            files = [file for file in files if _has_parquet_footer(file.path)]
            if not files:
                return self._arrow_schema.empty_table()
        return files_relation(
            self._format,
            files,
            data=self._schema.data,
            partitions=self._schema.partitions,
            options=self._options,
        )

    def _read_or_skip(self, file: PartitionedFile) -> pa.Table:
        try:
            return self._read_file(file)
        except (pa.ArrowException, OSError, EOFError, zlib.error):
            if not self._ignore_corrupt:
                raise
            return self._arrow_schema.empty_table()

    def _read_file(self, file: PartitionedFile) -> pa.Table:
        data = decompress(file.path, self._context.file_system.read_bytes(file.path))
        time_zone = self._options.get("timeZone") or self._context.engine.time_zone
        table = READERS[self._format](data, self._schema.data, FormatOptions(self._options, time_zone))
        for field, value in zip(self._schema.partitions, file.values, strict=True):
            kind = self._arrow_schema.field(field.name).type
            table = table.append_column(
                field.name, constant_column(value, field.dataType, kind, table.num_rows)
            )
        if file.metadata is not None:
            hidden = metadata_column(file.metadata, table.num_rows)
            table = table.append_column(METADATA_FIELD.name, hidden)
        return table.cast(self._arrow_schema)

    def _status(self, path: str) -> FileStatus | None:
        try:
            return self._context.file_system.status(path)
        except FileNotFoundError:
            if self._ignore_missing:
                return None
            raise SparkError("FAILED_READ_FILE.FILE_NOT_EXIST", path=f"file://{path}") from None

    def _partitioned(self, file: FileStatus) -> PartitionedFile:
        found = {name.lower(): value for name, value in partition_values(file.path, self._base).items()}
        values = tuple(found.get(name.lower()) for name in self._schema.partitions.names)
        return PartitionedFile(file.path, values, file if self._schema.with_metadata else None)


def _flag(name: str, options: SourceOptions, context: SourceContext) -> bool:
    return parse_boolean(options.get(name) or context.conf.get(f"spark.sql.files.{name}") or "false")


def _has_parquet_footer(path: str) -> bool:
    try:
        pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return False
    return True

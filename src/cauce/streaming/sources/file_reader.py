"""Reading the files of one batch."""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.connect.proto import Relation
from pyspark.sql.pandas.types import to_arrow_schema

from cauce.conf import parse_boolean
from cauce.errors import SparkError
from cauce.files import FileStatus, is_local, local_copies, local_copy, uri_of_path
from cauce.formats import READERS, FormatOptions, constant_column, decompress
from cauce.formats.partition_path import partition_values
from cauce.streaming.sources.file_metadata import METADATA_FIELD, metadata_column
from cauce.streaming.sources.file_relation import PartitionedFile, files_relation
from cauce.streaming.sources.file_schema import FileSchema, reader_options
from cauce.streaming.sources.malformed import malformed_records
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
        self._last: list[tuple[str, int | None]] = []
        """The files of the last batch, with their rows if they were counted."""
        self._ignore_missing = _flag("ignoreMissingFiles", options, context)
        self._ignore_corrupt = _flag("ignoreCorruptFiles", options, context)

    def read(self, paths: Iterable[str]) -> "pa.Table | Relation":
        """The rows of these files."""
        self._last = []
        statuses = self._statuses(list(paths))
        files = [self._partitioned(status) for status in statuses if status.size_bytes]
        if not files:
            return self._arrow_schema.empty_table()
        if self._format in READERS:
            copies = local_copies([file.path for file in files])
            pairs = zip(files, copies, strict=True)
            return pa.concat_tables([self._read_or_skip(file, copy) for file, copy in pairs])
        if self._ignore_corrupt:
            files = [file for file in files if _has_parquet_footer(file.path)]
            if not files:
                return self._arrow_schema.empty_table()
        self._last = [(file.path, None) for file in files]
        return files_relation(
            self._format,
            files,
            data=self._schema.data,
            partitions=self._schema.partitions,
            options=self._options,
        )

    def locate(self, position: int | None) -> Mapping[str, Any]:
        """The file of a row of the last batch, and the row's number in it."""
        if position is not None:
            for path, count in self._last:
                rows = pq.read_metadata(local_copy(path)).num_rows if count is None else count
                if position < rows:
                    return {"path": uri_of_path(path), "row": position}
                position -= rows
        paths = [uri_of_path(path) for path, _ in self._last]
        return {"path": paths[0]} if len(paths) == 1 else {"paths": paths}

    def _read_or_skip(self, file: PartitionedFile, copy: str) -> pa.Table:
        try:
            table = self._read_file(file, copy)
        except (pa.ArrowException, OSError, EOFError, zlib.error):
            if not self._ignore_corrupt:
                raise
            table = self._arrow_schema.empty_table()
        self._last.append((file.path, table.num_rows))
        return table

    def _read_file(self, file: PartitionedFile, copy: str) -> pa.Table:
        data = decompress(file.path, self._context.file_system.read_bytes(copy))
        table = self._parse(file.path, data)
        for field, value in zip(self._schema.partitions, file.values, strict=True):
            kind = self._arrow_schema.field(field.name).type
            table = table.append_column(
                field.name, constant_column(value, field.dataType, kind, table.num_rows)
            )
        if file.metadata is not None:
            hidden = metadata_column(file.metadata, table.num_rows)
            table = table.append_column(METADATA_FIELD.name, hidden)
        return table.cast(self._arrow_schema)

    def _parse(self, path: str, data: bytes) -> pa.Table:
        time_zone = self._options.get("timeZone") or self._context.engine.time_zone
        put_aside, bad = self._context.put_aside, list[tuple[str, SparkError]]()
        collect = None if put_aside is None else lambda record, error: bad.append((record, error))
        options = FormatOptions(self._options, time_zone, collect)
        table = READERS[self._format](data, self._schema.data, options)
        if put_aside is not None and bad:
            for malformed in malformed_records(path, data, bad, options):
                put_aside(malformed)
        return table

    def _statuses(self, paths: list[str]) -> list[FileStatus]:
        found = self._context.file_system.statuses(paths)
        for path, status in zip(paths, found, strict=True):
            if status is None and not self._ignore_missing:
                raise SparkError("FAILED_READ_FILE.FILE_NOT_EXIST", path=_shown(path))
        return [status for status in found if status is not None]

    def _partitioned(self, file: FileStatus) -> PartitionedFile:
        found = {name.lower(): value for name, value in partition_values(file.path, self._base).items()}
        values = tuple(found.get(name.lower()) for name in self._schema.partitions.names)
        return PartitionedFile(file.path, values, file if self._schema.with_metadata else None)


def _shown(path: str) -> str:
    return f"file://{path}" if is_local(path) else path


def _flag(name: str, options: SourceOptions, context: SourceContext) -> bool:
    return parse_boolean(options.get(name) or context.conf.get(f"spark.sql.files.{name}") or "false")


def _has_parquet_footer(path: str) -> bool:
    try:
        pq.read_metadata(local_copy(path))
    except (pa.ArrowException, OSError):
        return False
    return True

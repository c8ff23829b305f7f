"""The Delta source: the rows of a table, then those of every commit; or its change data feed."""

from collections.abc import Iterator
from itertools import groupby

import pyarrow as pa
from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.delta.actions import AddFile
from cauce.delta.change_feed import change_rows, change_schema, empty_changes, noted
from cauce.delta.data_files import arrow_form
from cauce.delta.errors import DeltaAnalysisException, DeltaUnsupportedOperationException
from cauce.delta.history import check_version, version_from
from cauce.delta.log import DeltaLog
from cauce.delta.moments import parse_moment_ms
from cauce.delta.protocol import check_readable
from cauce.delta.reading import read_files, scan
from cauce.delta.snapshot import Snapshot
from cauce.delta.tail import BASE_INDEX, IndexedFile, Tail
from cauce.delta.tail_options import TailOptions
from cauce.errors import IllegalArgumentException
from cauce.files import open_file_system
from cauce.streaming.sources.delta_offset import DeltaOffset
from cauce.streaming.sources.source import ReadLimit, SourceContext, SourceOptions

__all__ = ["DeltaSource"]


class DeltaSource:
    """An offset names the last file read. Source: DeltaSource.scala of Delta Lake."""

    def __init__(self, options: SourceOptions, context: SourceContext) -> None:
        self._options = TailOptions.parse(options.get)
        self._context = context
        self._log = _open_log(options, context)
        snapshot = _existing(self._log, self._options)
        self._table = snapshot.table
        self.schema = _schema(self._table.schema, self._options)
        self._first_version = snapshot.version
        self._tail = Tail(self._log, self._options, snapshot)
        self._end: DeltaOffset | None = None
        """Not to be passed: what was there when an availableNow run began."""

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        parsed = TailOptions.parse(options.get)
        schema = _schema(_existing(_open_log(options, context), parsed).table.schema, parsed)
        if options.schema is not None and options.schema.names != schema.names:
            raise DeltaUnsupportedOperationException("DELTA_UNSUPPORTED_SCHEMA_DURING_READ")
        return schema

    def description(self) -> str:
        return f"DeltaSource[{self._log.uri}]"

    def default_limit(self) -> ReadLimit:
        return ReadLimit(files_max=self._options.files_max, bytes_max=self._options.bytes_max)

    def initial_offset(self) -> None:
        return None

    def latest_offset(self, start: DeltaOffset | None, limit: ReadLimit) -> DeltaOffset | None:
        return self._last_offset(start, limit)

    def report_latest_offset(self) -> None:
        return None

    def prepare_for_trigger_available_now(self) -> None:
        # The beginning of the version after the last one there is.
        self._end = DeltaOffset(self._log.update().version + 1, BASE_INDEX, False, self._table.id)

    def read(self, start: DeltaOffset | None, end: DeltaOffset) -> "pa.Table | Relation":
        if start == end:
            return arrow_form(self.schema).empty_table()
        files = [file for file in self._between(start, end) if file.kind is not None]
        if start is not None and not start.is_initial:
            self._tail.forget_initial()
        return self._changes(files) if self._options.change_feed else self._rows(files)

    def commit(self, end: DeltaOffset) -> None:
        """The log remembers nothing of its readers."""

    def offset_json(self, offset: DeltaOffset) -> str:
        return offset.json_text()

    def parse_offset(self, text: str) -> DeltaOffset:
        return DeltaOffset.parse(text, self._table.id)

    def metrics(self, end: DeltaOffset | None) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        """Nothing is held."""

    # -- where a batch ends -------------------------------------------------------------------------

    def _last_offset(self, start: DeltaOffset | None, limit: ReadLimit) -> DeltaOffset | None:
        version, index, is_initial = self._position(start)
        last = None
        for file in self._admitted(version, index, is_initial, limit):
            last = file
        if last is None:
            return start
        if last.is_last:
            return DeltaOffset(last.version + 1, BASE_INDEX, False, self._table.id)
        still_initial = is_initial and last.version == version
        return DeltaOffset(last.version, last.index, still_initial, self._table.id)

    def _position(self, start: DeltaOffset | None) -> tuple[int, int, bool]:
        if start is not None:
            return start.version, start.index, start.is_initial
        version = self._starting_version()
        if version is None:
            return self._first_version, BASE_INDEX, True
        return version, BASE_INDEX, False

    def _starting_version(self) -> int | None:
        text = self._options.starting_version
        if text is not None:
            if text.lower() == "latest":
                return self._first_version + 1
            check_version(self._log, int(text))
            return int(text)
        moment = self._options.starting_timestamp
        if moment is None:
            return None
        zone = self._context.engine.time_zone
        return version_from(self._log, parse_moment_ms(moment, zone), moment)

    def _admitted(
        self, version: int, index: int, is_initial: bool, limit: ReadLimit
    ) -> Iterator[IndexedFile]:
        """Files until a limit is reached; what belongs together is admitted together."""
        files_left, bytes_left = limit.files_max, limit.bytes_max
        together = 0
        for file in self._bounded(self._tail.after(version, index, is_initial=is_initial)):
            unlimited = self._options.event_time_order and is_initial and file.version == version
            full = (files_left is not None and files_left <= 0) or (
                bytes_left is not None and bytes_left <= 0
            )
            together = file.whole if file.whole else together
            if full and not unlimited and not (together and file.index > 0):
                return
            if file.kind is not None:
                files_left = None if files_left is None else files_left - 1
                bytes_left = None if bytes_left is None else bytes_left - file.size_bytes
            yield file

    def _bounded(self, files: Iterator[IndexedFile]) -> Iterator[IndexedFile]:
        for file in files:
            end = self._end
            if end is not None and (file.version, file.index) > (end.version, end.index):
                return
            yield file

    # -- the rows of a batch ------------------------------------------------------------------------

    def _between(self, start: DeltaOffset | None, end: DeltaOffset) -> Iterator[IndexedFile]:
        version, index, is_initial = self._beginning(start, end)
        for file in self._tail.after(version, index, is_initial=is_initial):
            if (file.version, file.index) > (end.version, end.index):
                return
            yield file

    def _beginning(self, start: DeltaOffset | None, end: DeltaOffset) -> tuple[int, int, bool]:
        """Where a batch began; the first one of a restarted query must see the snapshot it saw before."""
        if start is not None or self._options.has_start:
            return self._position(start)
        return (end.version if end.is_initial else end.version - 1), BASE_INDEX, True

    def _rows(self, files: list[IndexedFile]) -> "pa.Table | Relation":
        added = [AddFile(file.raw) for file in files if file.kind == "add"]
        if not added:
            return arrow_form(self.schema).empty_table()
        if any(file.deletion_vector for file in added):
            return read_files(self._log.path, added, self._table)
        return scan(self._log.path, added, self._table)

    def _changes(self, files: list[IndexedFile]) -> pa.Table:
        tables = [empty_changes(self._table)]
        for version, group in groupby(files, key=lambda file: file.version):
            members = [(file.kind or "", file.raw) for file in group]
            rows = change_rows(self._log.path, members, self._table)
            tables.append(noted(rows, version, self._log.timestamp_ms(version, self._tail.actions(version))))
        return pa.concat_tables(tables)


def _open_log(options: SourceOptions, context: SourceContext) -> DeltaLog:
    given = options.paths[0] if options.paths else options.get("path")
    if not given:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_2047")
    _, path = open_file_system(given)
    return DeltaLog(context.file_system, path)


def _existing(log: DeltaLog, options: TailOptions) -> Snapshot:
    snapshot = log.update()
    if not snapshot.exists or not snapshot.table.schema.fields:
        raise DeltaAnalysisException("DELTA_SCHEMA_NOT_SET")
    check_readable(snapshot.protocol, log.path)
    if options.change_feed and not snapshot.table.flag("delta.enableChangeDataFeed"):
        raise DeltaAnalysisException(
            "DELTA_MISSING_CHANGE_DATA",
            startVersion=snapshot.version,
            endVersion=snapshot.version,
            version=snapshot.version,
            key="delta.enableChangeDataFeed",
        )
    return snapshot


def _schema(table: StructType, options: TailOptions) -> StructType:
    return change_schema(table) if options.change_feed else table

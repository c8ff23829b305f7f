"""The file source: files of a folder, each read once, in the order in which they appeared."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.checkpoint import CompactionSettings, FileSourceLog, SourceFile
from cauce.clock import Clock
from cauce.errors import (
    ConcurrentModificationException,
    IllegalArgumentException,
    UnsupportedOperationException,
)
from cauce.files import FileStatus, is_local, open_file_system, shown_path
from cauce.streaming.sources.file_admission import take_files, worth_caching
from cauce.streaming.sources.file_cleaner import file_cleaner
from cauce.streaming.sources.file_listing import FileListing
from cauce.streaming.sources.file_options import FileStreamOptions
from cauce.streaming.sources.file_reader import FileReader
from cauce.streaming.sources.file_schema import resolve_file_schema
from cauce.streaming.sources.folder_scan import FolderScan
from cauce.streaming.sources.seen_files import SeenFiles
from cauce.streaming.sources.sink_output import has_sink_log, sink_log_statuses
from cauce.streaming.sources.source import ReadLimit, SourceContext, SourceOptions

__all__ = ["FileSource"]


class FileSource:
    """An offset is the number of the last entry of the source log, which names the files of a batch.

    Source: FileStreamSource.scala of Apache Spark 4.2.
    """

    def __init__(self, options: SourceOptions, context: SourceContext) -> None:
        self._options = FileStreamOptions.parse(options)
        self._context = context
        self._listing = file_listing(options, context)
        schema = resolve_file_schema(options, context, self._listing)
        self.schema = schema.all
        self._reader = FileReader(options, context, self._listing.base, schema)
        self._cleaner = file_cleaner(self._options, context.file_system, self._listing.path)
        self._log = FileSourceLog(
            context.file_system,
            context.metadata_path,
            settings=CompactionSettings.of_source(context.conf),
            clock=context.clock,
        )
        latest = self._log.latest_id()
        self._log_offset = -1 if latest is None else latest
        self._seen = SeenFiles(self._options.max_file_age_ms, name_only=self._options.file_name_only)
        for file in self._log.all_files():
            self._seen.add(file.path, file.modified_ms)
        self._seen.purge()
        self._scan = _folder_scan(self._listing, context.clock, self._seen)
        self._unread: list[FileStatus] = []
        self._frozen: list[FileStatus] | None = None

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        return resolve_file_schema(options, context, file_listing(options, context)).all

    def description(self) -> str:
        return f"FileStreamSource[{shown_path(self._listing.path)}]"

    def default_limit(self) -> ReadLimit:
        options = self._options
        return ReadLimit(files_max=options.max_files_per_trigger, bytes_max=options.max_bytes_per_trigger)

    def initial_offset(self) -> None:
        return None

    def latest_offset(self, start: int | None, limit: ReadLimit) -> int | None:
        new = self._unread or self._new_files()
        taken, rest = take_files(new, limit)
        cacheable = self._frozen is None and not self._options.latest_first
        keep = cacheable and worth_caching(rest, limit, self._options.discard_cached_input_ratio)
        self._unread = list(rest[: self._options.max_cached_files]) if keep else []
        if taken:
            self._append_to_log(taken)
        return None if self._log_offset < 0 else self._log_offset

    def report_latest_offset(self) -> None:
        return None

    def prepare_for_trigger_available_now(self) -> None:
        self._frozen = self._available()

    def read(self, start: int | None, end: int) -> "pa.Table | Relation":
        return self._reader.read(file.path for file in self._logged(-1 if start is None else start, end))

    def locate(self, rows: pa.Table | None, position: int | None) -> Mapping[str, Any]:
        return self._reader.locate(position)

    def commit(self, end: int) -> None:
        if self._cleaner is not None:
            for file in self._logged(end - 1, end):
                self._cleaner.clean(file.path)

    def offset_json(self, offset: int) -> str:
        return f'{{"logOffset":{offset}}}'

    def parse_offset(self, text: str) -> int:
        parsed = json.loads(text)
        # The first versions of Spark wrote the bare number.
        return parsed["logOffset"] if isinstance(parsed, dict) else int(parsed)

    def metrics(self, end: int | None) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        """Nothing is held."""

    def _new_files(self) -> list[FileStatus]:
        files = self._available() if self._frozen is None else self._frozen
        new = [file for file in files if self._seen.is_new(file.path, file.modified_ms)]
        if self._frozen is not None:
            self._frozen = new  # What is seen stays seen: the next batch need not look at it again.
        return new

    def _available(self) -> list[FileStatus]:
        """What is there now in reading order; files that were read may be missing."""
        if self._reads_sink_output():
            files = self._logged_by_sink()
        elif self._scan is not None:
            files = self._scan.unseen_files()
        else:
            files = self._listing.files()
        return sorted(files, key=lambda file: file.modified_ms, reverse=self._options.latest_first)

    def _reads_sink_output(self) -> bool:
        if not has_sink_log(self._context.file_system, self._listing.path):
            return False
        if self._cleaner is not None:
            raise UnsupportedOperationException("_LEGACY_ERROR_TEMP_2261")
        return True

    def _logged_by_sink(self) -> list[FileStatus]:
        files = sink_log_statuses(self._context.file_system, self._listing.path)
        return self._listing.select(files, self._listing.path)

    def _append_to_log(self, files: Sequence[FileStatus]) -> None:
        offset = self._log_offset + 1
        # Written before the offset log: a crash in between finds the same files in the next batch.
        if not self._log.add(offset, [SourceFile(file.path, file.modified_ms, offset) for file in files]):
            raise ConcurrentModificationException("CONCURRENT_STREAM_LOG_UPDATE", batchId=offset)
        self._log_offset = offset
        for file in files:
            self._seen.add(file.path, file.modified_ms)
        self._seen.purge()

    def _logged(self, start: int, end: int) -> list[SourceFile]:
        return [file for offset in range(start + 1, end + 1) for file in self._log.get(offset)]


def _folder_scan(listing: FileListing, clock: Clock, seen: SeenFiles) -> FolderScan | None:
    """Only a folder of a disk tells whether it changed; everything else is listed each time."""
    path = listing.base
    if path is None or not is_local(path) or not listing.file_system.status(path).is_dir:
        return None
    return FolderScan(listing, clock, seen.__contains__)


def file_listing(options: SourceOptions, context: SourceContext) -> FileListing:
    """Where the user's `load(path)` or option `path` points to."""
    if len(options.paths) > 1:
        raise IllegalArgumentException(None, "Multiple paths are not supported for streaming source")
    given = options.paths[0] if options.paths else options.get("path")
    if not given:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_2047")
    _, path = open_file_system(given)
    recursive = options.flag("recursiveFileLookup", False)
    return FileListing(context.file_system, path, options.get("pathGlobFilter"), recursive)

"""A log of JSON lines, a file per batch, in which every tenth file repeats everything before it."""

import re

from cauce.checkpoint.compaction import CompactionSettings, derived_interval, is_compaction_batch
from cauce.checkpoint.damage import damaged_file, missing_file, shown
from cauce.checkpoint.log_folder import BATCH_ID, LogFolder
from cauce.checkpoint.log_text import log_bytes, log_lines
from cauce.clock import Clock
from cauce.errors import ConcurrentModificationException
from cauce.files import FileSystem

__all__ = ["CompactibleLog"]

VERSION = 1
COMPACTED = re.compile(rf"({BATCH_ID.pattern})\.compact")


class CompactibleLog:
    """The part that the sink's and the source's log share: which files there are, and their lines."""

    def __init__(
        self, file_system: FileSystem, path: str, settings: CompactionSettings, clock: Clock
    ) -> None:
        self.folder = LogFolder(file_system, path)
        self._file_system = file_system
        self._settings = settings
        self._clock = clock
        self._interval: int | None = None
        self._plain_to_id = -1
        self._added_id: int | None = None
        self._oldest_id: int | None = None

    @property
    def interval(self) -> int:
        """Decided once: by the files that are there, else by the settings."""
        if self._interval is None:
            compacted_ids = self._compacted_ids()
            if not compacted_ids:
                # Maybe of a larger interval: Spark looks for a compacted file among them and fails.
                self._plain_to_id = max(self.folder.batch_ids(), default=-1)
            self._interval = derived_interval(self._settings.interval, compacted_ids)
        return self._interval

    def _compacted_ids(self) -> list[int]:
        matches = [COMPACTED.fullmatch(name) for name in self.folder.names()]
        return [int(match[1]) for match in matches if match is not None]

    def _ids(self) -> list[int]:
        return [*self.folder.batch_ids(), *self._compacted_ids()]

    def latest_id(self) -> int | None:
        """A log has one writer, so whoever added the last batch need not look for it."""
        return max(self._ids(), default=None) if self._added_id is None else self._added_id

    def is_compacted(self, batch_id: int) -> bool:
        return is_compaction_batch(batch_id, self.interval) and batch_id > self._plain_to_id

    def last_compacted_id(self, batch_id: int) -> int | None:
        """The newest compacted file up to this batch, which needs no file before it."""
        last_id = (batch_id + 1) // self.interval * self.interval - 1
        return last_id if last_id > self._plain_to_id else None

    def _name(self, batch_id: int) -> str:
        return f"{batch_id}.compact" if self.is_compacted(batch_id) else str(batch_id)

    def path_of(self, batch_id: int) -> str:
        return self.folder.path_of(self._name(batch_id))

    def lines(self, batch_id: int) -> list[str] | None:
        """The lines of one file, of all batches up to this one if it is compacted; None without the file."""
        data = self.folder.read(self._name(batch_id))
        if data is None:
            return None
        path = self.path_of(batch_id)
        _, lines = log_lines(path, data, VERSION)
        for line in lines:
            # A cheap look at each line; whoever uses an entry parses it.
            if not (line.startswith("{") and line.endswith("}")):
                raise damaged_file(path, "a JSON object in every line", shown(line))
        return lines

    def all_lines(self) -> list[tuple[str, str]]:
        """(file, line) of every entry: the last compacted file and all that follow, without a gap."""
        latest_id = self.latest_id()
        while latest_id is not None:
            try:
                return self._lines_to(latest_id)
            except MissingBatchError as missing:
                # The writer deletes old files after compacting: then a newer compacted file is there.
                next_compaction = latest_id + self.interval - (latest_id + 1) % self.interval
                latest_id = max(self._ids(), default=None)
                if latest_id is None or latest_id < next_compaction:
                    raise missing_file(missing.path, missing.reason) from None
        return []

    def _lines_to(self, batch_id: int) -> list[tuple[str, str]]:
        start = self.last_compacted_id(batch_id) or 0
        found: list[tuple[str, str]] = []
        for needed in range(start, batch_id + 1):
            lines, path = self.lines(needed), self.path_of(needed)
            if lines is None:
                raise MissingBatchError(path, f"the log has batch {batch_id} and must have no gap before it")
            found.extend((path, line) for line in lines)
        return found

    def add(self, batch_id: int, lines: list[str], *, earlier: list[str]) -> bool:
        """Durable on return; False if the batch is there. `earlier` goes first into a compacted file."""
        if self.folder.is_taken(self._name(batch_id)):
            return False
        try:
            self.folder.write(self._name(batch_id), log_bytes(VERSION, [*earlier, *lines]))
        except FileExistsError:
            raise ConcurrentModificationException(
                "CONCURRENT_STREAM_LOG_UPDATE", batchId=self.folder.path
            ) from None
        self._added_id = batch_id
        if self._settings.deletes_expired and self.is_compacted(batch_id):
            self._delete_expired(self._settings.expires_before(batch_id, self.interval))
        return True

    def _delete_expired(self, first_kept: int) -> None:
        """From the oldest on, and only until a file is too young: later ones are younger still."""
        newest_ms = self._clock.now_ms() - self._settings.cleanup_delay_ms
        if self._oldest_id is None:
            self._oldest_id = min(self._ids(), default=0)
        while self._oldest_id < first_kept and self._is_older(self._oldest_id, newest_ms):
            self.folder.delete(self._name(self._oldest_id))
            self._oldest_id += 1

    def _is_older(self, batch_id: int, newest_ms: int) -> bool:
        try:
            return self._file_system.status(self.path_of(batch_id)).modified_ms <= newest_ms
        except FileNotFoundError:
            return True


class MissingBatchError(Exception):
    """A file that should be there is not; it may have been deleted a moment ago."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path)
        self.path = path
        self.reason = reason

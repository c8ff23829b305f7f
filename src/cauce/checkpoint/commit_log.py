"""The commit log: batch N is done, its sink and its state included."""

from dataclasses import dataclass
from typing import Any

from cauce.checkpoint.batch_purge import BatchPurge
from cauce.checkpoint.damage import damaged_file, shown
from cauce.checkpoint.log_folder import LogFolder
from cauce.checkpoint.log_text import compact_json, json_object, log_bytes, log_lines
from cauce.errors import ConcurrentModificationException
from cauce.files import FileSystem

__all__ = ["CommitEntry", "CommitLog"]

VERSION_WRITTEN = 1
# Versions 2 and 3 add what Apache Spark's own state stores and sinks need; the watermark is the same.
VERSION_MAX = 3
STATE_KEY = "cauceState"
RECORD = 'a line such as {"nextBatchWatermarkMs":0}'


@dataclass(frozen=True)
class CommitEntry:
    """The next batch's watermark, and for a stateful query the references to the state of this batch."""

    next_watermark_ms: int
    state: dict[str, Any] | None


class CommitLog:
    """`commits/N`, one file a batch."""

    def __init__(self, file_system: FileSystem, path: str) -> None:
        self.folder = LogFolder(file_system, path)
        self._purge = BatchPurge(self.folder)

    def add(self, batch_id: int, entry: CommitEntry) -> None:
        """Durable on return. ConcurrentModificationException if the batch is there already."""
        try:
            self.folder.write(str(batch_id), encode(entry))
        except FileExistsError:
            raise ConcurrentModificationException("CONCURRENT_STREAM_LOG_UPDATE", batchId=batch_id) from None

    def replace(self, batch_id: int, entry: CommitEntry) -> None:
        """Put another entry in the place of one that is there, atomically."""
        self.folder.overwrite(str(batch_id), encode(entry))

    def get(self, batch_id: int) -> CommitEntry | None:
        data = self.folder.read(str(batch_id))
        return None if data is None else decode(self.folder.path_of(str(batch_id)), data)

    def latest_id(self) -> int | None:
        return max(self.folder.batch_ids(), default=None)

    def latest(self) -> tuple[int, CommitEntry] | None:
        batch_id = self.latest_id()
        entry = None if batch_id is None else self.get(batch_id)
        return None if batch_id is None or entry is None else (batch_id, entry)

    def purge(self, keep_from: int) -> None:
        """Forget batches before `keep_from`."""
        self._purge.before(keep_from)


def encode(entry: CommitEntry) -> bytes:
    record: dict[str, Any] = {"nextBatchWatermarkMs": entry.next_watermark_ms}
    if entry.state is not None:
        record[STATE_KEY] = entry.state
    return log_bytes(VERSION_WRITTEN, [compact_json(record)])


def decode(path: str, data: bytes) -> CommitEntry:
    _, lines = log_lines(path, data, VERSION_MAX)
    if len(lines) != 1:
        raise damaged_file(path, RECORD, f"{len(lines)} lines after the version")
    record = json_object(path, lines[0], RECORD)
    # The first versions of Spark wrote {} and meant 0.
    watermark_ms, state = record.get("nextBatchWatermarkMs", 0), record.get(STATE_KEY)
    if not isinstance(watermark_ms, int) or not isinstance(state, dict | None):
        raise damaged_file(path, RECORD, shown(lines[0]))
    return CommitEntry(watermark_ms, state)

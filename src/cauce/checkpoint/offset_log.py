"""The offset log: what batch N reads and under which watermark and time, fixed before it runs."""

from dataclasses import dataclass
from typing import Any

from cauce.checkpoint.batch_purge import BatchPurge
from cauce.checkpoint.damage import damaged_file, shown
from cauce.checkpoint.log_folder import LogFolder
from cauce.checkpoint.log_text import compact_json, is_json, json_object, log_bytes, log_lines
from cauce.errors import ConcurrentModificationException, UnsupportedOperationException
from cauce.files import FileSystem

__all__ = ["OffsetEntry", "OffsetLog"]

VERSION_WRITTEN = 1
VERSION_MAX = 2
NO_OFFSET = "-"
METADATA = 'a line such as {"batchWatermarkMs":0,"batchTimestampMs":0,"conf":{}}'


@dataclass(frozen=True)
class OffsetEntry:
    """One batch: watermark and batch time, locked settings, each source's end offset as JSON text."""

    watermark_ms: int
    timestamp_ms: int
    conf: dict[str, str]
    offsets: tuple[str | None, ...]


class OffsetLog:
    """`offsets/N`, one file a batch."""

    def __init__(self, file_system: FileSystem, path: str) -> None:
        self.folder = LogFolder(file_system, path)
        self._purge = BatchPurge(self.folder)

    def add(self, batch_id: int, entry: OffsetEntry) -> None:
        """Durable on return. ConcurrentModificationException if the batch is there already."""
        try:
            self.folder.write(str(batch_id), encode(entry))
        except FileExistsError:
            raise ConcurrentModificationException("CONCURRENT_STREAM_LOG_UPDATE", batchId=batch_id) from None

    def get(self, batch_id: int) -> OffsetEntry | None:
        data = self.folder.read(str(batch_id))
        return None if data is None else decode(self.folder.path_of(str(batch_id)), data)

    def latest_id(self) -> int | None:
        return max(self.folder.batch_ids(), default=None)

    def latest(self) -> tuple[int, OffsetEntry] | None:
        batch_id = self.latest_id()
        entry = None if batch_id is None else self.get(batch_id)
        return None if batch_id is None or entry is None else (batch_id, entry)

    def purge(self, keep_from: int) -> None:
        """Forget batches before `keep_from`."""
        self._purge.before(keep_from)


def encode(entry: OffsetEntry) -> bytes:
    metadata = {
        "batchWatermarkMs": entry.watermark_ms,
        "batchTimestampMs": entry.timestamp_ms,
        "conf": entry.conf,
    }
    offsets = [NO_OFFSET if offset is None else offset for offset in entry.offsets]
    return log_bytes(VERSION_WRITTEN, [compact_json(metadata), *offsets])


def decode(path: str, data: bytes) -> OffsetEntry:
    version, lines = log_lines(path, data, VERSION_MAX)
    if not lines:
        raise damaged_file(path, METADATA, "only the version line")
    metadata = json_object(path, lines[0], METADATA)
    watermark_ms, timestamp_ms = metadata.get("batchWatermarkMs"), metadata.get("batchTimestampMs")
    conf = metadata.get("conf", {})
    if not (isinstance(watermark_ms, int) and isinstance(timestamp_ms, int) and isinstance(conf, dict)):
        raise damaged_file(path, METADATA, shown(lines[0]))
    texts = lines[1:] if version == 1 else _in_source_order(path, metadata, lines[1:])
    offsets = tuple(_offset(path, text) for text in texts)
    return OffsetEntry(watermark_ms, timestamp_ms, conf, offsets)


def _offset(path: str, text: str) -> str | None:
    if text == NO_OFFSET:
        return None
    if not is_json(text):
        raise damaged_file(path, "a source's offset as JSON, or -", shown(text))
    return text


def _in_source_order(path: str, metadata: dict[str, Any], lines: list[str]) -> list[str]:
    """Version 2 writes `sourceId:offset` in any order; unnamed sources are numbered."""
    if metadata.get("controlBatchInfo") is not None:
        raise UnsupportedOperationException(
            None, f"{path} is a control batch of Apache Spark; let Spark finish it before cauce continues"
        )
    by_id = dict(line.split(":", 1) for line in lines if ":" in line)
    if len(by_id) != len(lines):
        raise damaged_file(path, "lines such as sourceId:offset", shown("\n".join(lines)))
    if set(by_id) != {str(number) for number in range(len(by_id))}:
        names = ", ".join(sorted(by_id))
        raise UnsupportedOperationException(
            None, f"{path} has named sources ({names}), which cauce does not read"
        )
    return [by_id[str(number)] for number in range(len(by_id))]

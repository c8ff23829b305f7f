"""`sources/<i>` of a file source: which input files belong to which of its offsets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cauce.checkpoint.compactible_log import CompactibleLog
from cauce.checkpoint.compaction import CompactionSettings
from cauce.checkpoint.damage import damaged_file, missing_file, shown
from cauce.checkpoint.log_text import compact_json, json_object
from cauce.clock import Clock, SystemClock
from cauce.files import FileSystem, path_of_uri, uri_of_path

__all__ = ["SourceFile", "FileSourceLog"]

ENTRY = 'a line such as {"path":"file:///...","timestamp":1,"batchId":0}'


@dataclass(frozen=True)
class SourceFile:
    """One input file: absolute path, modification time, and the log offset it came with."""

    path: str
    modified_ms: int
    batch_id: int


class FileSourceLog:
    """Numbered by the source's own log offset, which is not the query's batch id."""

    def __init__(
        self,
        file_system: FileSystem,
        path: str,
        *,
        settings: CompactionSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._log = CompactibleLog(
            file_system, path, settings or CompactionSettings(), clock or SystemClock()
        )
        # The entries that came with the last compacted file, so that reading them does not mean
        # reading the whole log again.
        self._last_added: tuple[int, list[SourceFile]] | None = None

    def latest_id(self) -> int | None:
        return self._log.latest_id()

    def add(self, batch_id: int, entries: Sequence[SourceFile]) -> bool:
        """Durable on return; False, changing nothing, if the offset is there already."""
        lines = [encode(entry) for entry in entries]
        compacted = self._log.is_compacted(batch_id)
        earlier = [line for _, line in self._log.all_lines()] if compacted else []
        added = self._log.add(batch_id, lines, earlier=earlier)
        if added:
            self._last_added = (batch_id, list(entries))
        return added

    def get(self, batch_id: int) -> list[SourceFile]:
        """The files of one offset."""
        if self._last_added is not None and self._last_added[0] == batch_id:
            return self._last_added[1]
        lines, path = self._log.lines(batch_id), self._log.path_of(batch_id)
        if lines is not None:
            entries = [decode(path, line) for line in lines]
        else:
            entries = self._compacted_away(batch_id, path)
        return [entry for entry in entries if entry.batch_id == batch_id]

    def _compacted_away(self, batch_id: int, path: str) -> list[SourceFile]:
        """An expired file lives on inside the last compacted one."""
        latest_id = self.latest_id()
        compacted_id = None if latest_id is None else self._log.last_compacted_id(latest_id)
        if compacted_id is None or batch_id > compacted_id:
            raise missing_file(path, f"batch {batch_id} doesn't exist")
        return self.all_files()

    def all_files(self) -> list[SourceFile]:
        """Every file the source ever handed out, oldest first."""
        return [decode(path, line) for path, line in self._log.all_lines()]


def encode(entry: SourceFile) -> str:
    return compact_json(
        {"path": uri_of_path(entry.path), "timestamp": entry.modified_ms, "batchId": entry.batch_id}
    )


def decode(path: str, line: str) -> SourceFile:
    entry: dict[str, Any] = json_object(path, line, ENTRY)
    match entry:
        case {"path": str(uri), "timestamp": int(modified_ms), "batchId": int(batch_id)}:
            return SourceFile(path_of_uri(uri), modified_ms, batch_id)
    raise damaged_file(path, ENTRY, shown(line))

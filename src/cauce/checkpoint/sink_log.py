"""`_spark_metadata` of a file sink: which files of the output folder are its answer, and no others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cauce.checkpoint.compactible_log import CompactibleLog
from cauce.checkpoint.compaction import CompactionSettings
from cauce.checkpoint.damage import damaged_file, shown
from cauce.checkpoint.log_text import compact_json, json_object
from cauce.clock import Clock, SystemClock
from cauce.files import FileSystem, path_of_uri, uri_of_path

__all__ = ["SinkFile", "SinkLog"]

# What Hadoop says of every file on a local disk.
BLOCK_REPLICATION = 1
BLOCK_BYTES = 33_554_432
ENTRY = 'a line such as {"path":"file:///...","size":1,"modificationTime":1,"action":"add",...}'


@dataclass(frozen=True)
class SinkFile:
    """One data file: absolute path, size in bytes, modification time in ms since the epoch."""

    path: str
    size_bytes: int
    modified_ms: int


class SinkLog:
    """A batch is in the answer when its entry is here, with all its files or none."""

    def __init__(
        self,
        file_system: FileSystem,
        path: str,
        *,
        settings: CompactionSettings | None = None,
        clock: Clock | None = None,
        retention_ms: int | None = None,
    ) -> None:
        """`retention_ms` is the sink's option `retention`: older files leave the answer."""
        self._clock = clock or SystemClock()
        self._log = CompactibleLog(file_system, path, settings or CompactionSettings(), self._clock)
        self._retention_ms = retention_ms

    def settle(self) -> None:
        """Before the first batch of a run: drop what a crash left unfinished, make durable what it named.

        Without this a batch could be skipped for an entry that a power loss then takes away.
        """
        self._log.folder.settle()

    def latest_id(self) -> int | None:
        """The last batch that is in the answer."""
        return self._log.latest_id()

    def add(self, batch_id: int, files: Sequence[SinkFile]) -> bool:
        """Durable on return; False, changing nothing, if the batch is there already."""
        latest_id = self.latest_id()
        if latest_id is not None and latest_id >= batch_id:
            return False
        lines = [encode(file) for file in files]
        if not self._log.is_compacted(batch_id):
            return self._log.add(batch_id, lines, earlier=[])
        earlier = [line for path, line in self._log.all_lines() if self._retains(path, line)]
        return self._log.add(batch_id, lines, earlier=earlier)

    def all_files(self) -> list[SinkFile]:
        """The answer, oldest first."""
        return [decode(path, line) for path, line in self._log.all_lines() if self._retains(path, line)]

    def _retains(self, path: str, line: str) -> bool:
        if self._retention_ms is None:
            return True
        return self._clock.now_ms() - decode(path, line).modified_ms <= self._retention_ms


def encode(file: SinkFile) -> str:
    return compact_json(
        {
            "path": uri_of_path(file.path),
            "size": file.size_bytes,
            "isDir": False,
            "modificationTime": file.modified_ms,
            "blockReplication": BLOCK_REPLICATION,
            "blockSize": BLOCK_BYTES,
            "action": "add",
        }
    )


def decode(path: str, line: str) -> SinkFile:
    entry: dict[str, Any] = json_object(path, line, ENTRY)
    match entry:
        case {"path": str(uri), "size": int(size_bytes), "modificationTime": int(modified_ms)}:
            return SinkFile(path_of_uri(uri), size_bytes, modified_ms)
    raise damaged_file(path, ENTRY, shown(line))

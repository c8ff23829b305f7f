"""A table's files in the order in which a stream reads them: the initial snapshot, then commit by commit.

Positions are those of Delta Lake's own source, so that an offset written by one is understood by the other.
Source: DeltaSource.scala and DeltaSourceCDCSupport.scala of Delta Lake.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cauce.delta.actions import Action, Metadata, Protocol
from cauce.delta.change_feed import change_files
from cauce.delta.columns import read_incompatibility
from cauce.delta.errors import DeltaAnalysisException, DeltaIllegalStateException
from cauce.delta.log import DeltaLog
from cauce.delta.protocol import check_readable
from cauce.delta.snapshot import Snapshot
from cauce.delta.tail_options import TailOptions
from cauce.errors import IllegalStateException, UnsupportedOperationException

__all__ = ["BASE_INDEX", "IndexedFile", "Tail"]

BASE_INDEX = -1
"""Before all files of a version."""
COMMITS_KEPT_MAX = 256
"""Commits read lately; a batch looks at them to find its end and again to read its rows."""


@dataclass(frozen=True)
class IndexedFile:
    """A file at its position. `kind` is add, remove or cdc; None only marks the beginning of a version."""

    version: int
    index: int
    kind: str | None = None
    raw: Any = None
    is_last: bool = False
    whole: int = 0
    """The files that must be read together with this one, counted at the first of them."""

    @property
    def size_bytes(self) -> int:
        return 0 if self.raw is None else self.raw.get("size") or 0


class Tail:
    """The files of one table as a stream sees them."""

    def __init__(self, log: DeltaLog, options: TailOptions, snapshot: Snapshot) -> None:
        self._log = log
        self._options = options
        self._table = snapshot.table
        self._latest = snapshot.version
        self._commits: OrderedDict[int, list[Action]] = OrderedDict()
        self._snapshot: tuple[int, list[IndexedFile]] | None = None

    def after(self, version: int, index: int, *, is_initial: bool) -> Iterator[IndexedFile]:
        """What comes after a position, as far as the log has come."""
        following = version
        if is_initial:
            yield from (file for file in self._initial(version) if file.index > index)
            following, index = version + 1, BASE_INDEX - 1
        for number, actions in self._commits_from(following):
            for file in self._files(number, actions):
                if number > version or file.index > index:
                    yield file

    def actions(self, version: int) -> list[Action]:
        """The actions of a commit."""
        if version not in self._commits:
            self._commits[version] = self._log.read(version)
            while len(self._commits) > COMMITS_KEPT_MAX:
                self._commits.popitem(last=False)
        return self._commits[version]

    def forget_initial(self) -> None:
        """The initial snapshot was read to its end."""
        self._snapshot = None

    def _initial(self, version: int) -> list[IndexedFile]:
        if self._snapshot is None or self._snapshot[0] != version:
            try:
                snapshot = self._log.snapshot_at(version)
            except DeltaAnalysisException as error:
                raise DeltaIllegalStateException("DELTA_LOG_FILE_NOT_FOUND_FOR_STREAMING_SOURCE") from error
            ordered = sorted(snapshot.files.values(), key=lambda file: (file.modified_ms, file.path))
            files = [
                IndexedFile(version, i, "add", file.raw, i == len(ordered) - 1)
                for i, file in enumerate(ordered)
            ]
            self._snapshot = (version, files)
        return self._snapshot[1]

    def _commits_from(self, version: int) -> Iterator[tuple[int, list[Action]]]:
        available = self._first_available(version)
        while self._log.file_system.exists(self._log.commit_path(available)):
            self._latest = max(self._latest, available)
            yield available, self.actions(available)
            available += 1

    def _first_available(self, version: int) -> int:
        """The version itself, unless the log no longer has it."""
        if version > self._latest or self._log.file_system.exists(self._log.commit_path(version)):
            return version
        later = [found for found in self._log.versions() if found > version]
        if later and self._options.fail_on_data_loss:
            raise IllegalStateException(
                "DELTA_MISSING_FILES_UNEXPECTED_VERSION",
                startVersion=version,
                earliestVersion=later[0],
                option="failOnDataLoss",
            )
        return later[0] if later else version

    def _files(self, version: int, actions: Sequence[Action]) -> Iterator[IndexedFile]:
        yield IndexedFile(version, BASE_INDEX)
        self._check_table(version, actions)
        found = change_files(actions) if self._options.change_feed else self._added(version, actions)
        together = len(found) if any(kind != "add" for kind, _ in found) else 0
        for index, (kind, raw) in enumerate(found):
            last = index == len(found) - 1
            yield IndexedFile(version, index, kind, raw, last, together if index == 0 else 0)

    def _added(self, version: int, actions: Sequence[Action]) -> list[tuple[str, Any]]:
        """The files with new rows; commits that change rows are refused, skipped or read as they are."""
        added = [("add", a["add"]) for a in actions if a.get("add") and a["add"].get("dataChange")]
        removed = [a["remove"] for a in actions if a.get("remove") and a["remove"].get("dataChange")]
        if removed:
            self._check_changes(version, bool(added), removed[0])
            if self._options.skip_change_commits:
                return []
        return added

    def _check_changes(self, version: int, has_added: bool, removed: Any) -> None:
        options = self._options
        changes_allowed = options.ignore_changes or options.skip_change_commits
        if has_added and not changes_allowed:
            raise UnsupportedOperationException(
                "DELTA_SOURCE_TABLE_IGNORE_CHANGES",
                changeInfo=removed["path"],
                version=version,
                dataPath=self._log.uri,
            )
        if not has_added and not (changes_allowed or options.ignore_deletes):
            raise UnsupportedOperationException(
                "DELTA_SOURCE_IGNORE_DELETE",
                removedFile=removed["path"],
                version=version,
                dataPath=self._log.uri,
            )

    def _check_table(self, version: int, actions: Sequence[Action]) -> None:
        for action in actions:
            if action.get("protocol"):
                check_readable(Protocol.of(action["protocol"]), self._log.path)
            if action.get("metaData"):
                self._check_metadata(version, Metadata.of(action["metaData"]))

    def _check_metadata(self, version: int, changed: Metadata) -> None:
        if self._options.change_feed and not changed.flag("delta.enableChangeDataFeed"):
            raise DeltaAnalysisException(
                "DELTA_MISSING_CHANGE_DATA",
                startVersion=version,
                endVersion=version,
                version=version,
                key="delta.enableChangeDataFeed",
            )
        if read_incompatibility(changed.schema, self._table.schema):
            raise DeltaIllegalStateException(
                "DELTA_SCHEMA_CHANGED_WITH_STARTING_OPTIONS"
                if self._options.has_start
                else "DELTA_SCHEMA_CHANGED_WITH_VERSION",
                version=version,
                readSchema=self._table.schema.treeString(),
                dataSchema=changed.schema.treeString(),
            )

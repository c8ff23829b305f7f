"""A Delta log: the folder `_delta_log` with one file for every version, and checkpoints between them.

Source of the formats: PROTOCOL.md of Delta Lake.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cauce.delta import checkpoint
from cauce.delta.actions import Action, decode_commit, encode_commit
from cauce.delta.errors import log_has_a_gap, no_such_version, table_not_found
from cauce.delta.snapshot import Snapshot
from cauce.files import FileSystem, open_file_system, shown_path

__all__ = ["DeltaLog", "commit_info"]

LOG = "_delta_log"
COMMIT = re.compile(r"(\d{20})\.json")


@dataclass
class DeltaLog:
    """One table's log. Not thread-safe: every query and command opens its own."""

    file_system: FileSystem
    path: str
    """The table's folder, absolute."""

    def __post_init__(self) -> None:
        self._latest: Snapshot | None = None
        self.checkpoint_version = 0
        """The last checkpoint this object knows of: what readers start from; 0 also stands for none."""

    @classmethod
    def open(cls, location: str) -> "DeltaLog":
        """The log of the table at a path or URI, whether there is one or not."""
        return cls(*open_file_system(location))

    @property
    def log_path(self) -> str:
        return f"{self.path}/{LOG}"

    @property
    def uri(self) -> str:
        """The table's folder as Spark's messages spell it."""
        return shown_path(self.path)

    def commit_path(self, version: int) -> str:
        return f"{self.log_path}/{version:020d}.json"

    def exists(self) -> bool:
        return self.update().exists

    def update(self) -> Snapshot:
        """The newest snapshot; only what is new since the last call is read."""
        if self._latest is None:
            self._latest = self._load(None)
        while self._latest.metadata is not None and self._has(self._latest.version + 1):
            following = self._latest.version + 1
            self._latest.apply(following, self.read(following))
        if self._latest.metadata is None:
            latest, self._latest = self._latest, None
            return latest
        return self._latest.copy()

    def existing(self) -> Snapshot:
        """The newest snapshot of a table that must be there."""
        snapshot = self.update()
        if not snapshot.exists:
            raise table_not_found(self.path)
        return snapshot

    def snapshot_at(self, version: int) -> Snapshot:
        """The table as it was; DELTA_VERSION_NOT_FOUND if the log cannot tell any more."""
        latest = self.existing()
        if latest.version == version:
            return latest
        earliest = self.earliest_recreatable()
        if not earliest <= version <= latest.version:
            raise no_such_version(version, earliest, latest.version)
        return self._load(version)

    def versions(self) -> list[int]:
        """The versions whose commits are there, ascending."""
        return sorted(int(m[1]) for name in self._names() if (m := COMMIT.fullmatch(name)))

    def earliest_recreatable(self) -> int:
        """The oldest version whose snapshot can still be made."""
        names = self._names()
        commits = sorted(int(m[1]) for name in names if (m := COMMIT.fullmatch(name)))
        if commits and commits[0] == 0:
            return 0
        return min(checkpoint.versions(names), default=commits[0] if commits else 0)

    def read(self, version: int) -> list[Action]:
        """The actions of one commit."""
        return list(decode_commit(self.file_system.read_bytes(self.commit_path(version))))

    def commits_after(self, version: int) -> Iterator[tuple[int, list[Action]]]:
        """The commits after a version, as far as they have come."""
        following = version + 1
        while self._has(following):
            yield following, self.read(following)
            following += 1

    def modified_ms(self, version: int) -> int:
        """When a version was committed, by the clock of the disk."""
        return self.file_system.status(self.commit_path(version)).modified_ms

    def timestamp_ms(self, version: int, actions: list[Action] | None = None) -> int:
        """When a version was committed: as it says itself (in-commit timestamps), else by the disk."""
        info = commit_info(self.read(version) if actions is None else actions)
        return info.get("inCommitTimestamp") or self.modified_ms(version)

    def write(self, version: int, actions: list[Action]) -> None:
        """Create a version, durably and atomically; FileExistsError if somebody else has."""
        self.file_system.write_durable(self.commit_path(version), encode_commit(actions))

    def write_checkpoint(self, snapshot: Snapshot, now_ms: int) -> None:
        """All of a snapshot in one file, so that readers need not start at version 0."""
        checkpoint.write(self.file_system, self.log_path, snapshot, now_ms)
        self.checkpoint_version = max(self.checkpoint_version, snapshot.version)

    def _load(self, version: int | None) -> Snapshot:
        names = self._names()
        commits = sorted(int(m[1]) for name in names if (m := COMMIT.fullmatch(name)))
        usable = [v for v in checkpoint.versions(names) if version is None or v <= version]
        snapshot = Snapshot()
        if usable:
            self.checkpoint_version = max(self.checkpoint_version, *usable)
            snapshot.apply(max(usable), checkpoint.read(self.log_path, max(usable), names))
        for following in commits:
            if following <= snapshot.version or (version is not None and following > version):
                continue
            if following != snapshot.version + 1:
                raise log_has_a_gap(self.path, snapshot.version, following)
            snapshot.apply(following, self.read(following))
        return snapshot

    def _has(self, version: int) -> bool:
        return self.file_system.exists(self.commit_path(version))

    def _names(self) -> list[str]:
        return self.file_system.names(self.log_path)


def commit_info(actions: list[Action]) -> dict[str, Any]:
    """What the writer of a commit said about it."""
    return next((action["commitInfo"] for action in actions if action.get("commitInfo")), {})

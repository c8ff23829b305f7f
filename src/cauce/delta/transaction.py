"""One attempt to change a table: read a snapshot, prepare actions, commit if nothing read has changed.

A commit is one atomic create of the next version's file. Losing the race, the transaction looks at
what the winners did (`_check`) and, if that does not matter to it, tries the version after theirs.
An answer that got lost is asked for again: every attempt carries an id of its own.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cauce.clock import Clock
from cauce.delta.actions import Action, Metadata, Protocol, logical_key
from cauce.delta.errors import conflict
from cauce.delta.log import DeltaLog, commit_info
from cauce.delta.protocol import check_writable

__all__ = ["Operation", "Transaction"]

ENGINE = "cauce"
CHECKPOINT_INTERVAL = 10


@dataclass(frozen=True)
class Operation:
    """What a commit did, as `DESCRIBE HISTORY` shows it."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    user_metadata: str | None = None


class Transaction:
    """Reads are recorded where they matter to others' commits; `commit` ends it."""

    def __init__(self, log: DeltaLog, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.snapshot = log.update()
        self.actions: list[Action] = []
        self.reads_whole_table = False
        """Whether rows added meanwhile would have changed what this transaction does."""
        self.read_files: set[tuple[str, str]] = set()
        self._applications: set[str] = set()
        if self.snapshot.exists:
            check_writable(self.snapshot.protocol, log.path)

    @property
    def metadata(self) -> Metadata:
        """The table's metadata as this transaction leaves it."""
        changed = next((a["metaData"] for a in reversed(self.actions) if "metaData" in a), None)
        return self.snapshot.table if changed is None else Metadata.of(changed)

    @property
    def protocol(self) -> Protocol:
        """The table's protocol as this transaction leaves it."""
        changed = next((a["protocol"] for a in reversed(self.actions) if "protocol" in a), None)
        return self.snapshot.protocol if changed is None else Protocol.of(changed)

    def version_of(self, app_id: str) -> int:
        """The last batch of an application; another commit of its conflicts with this one."""
        self._applications.add(app_id)
        return self.snapshot.transaction_version(app_id)

    def set_transaction(self, app_id: str, version: int) -> None:
        value = {"appId": app_id, "version": version, "lastUpdated": self.clock.now_ms()}
        self.actions.append({"txn": value})

    def set_metadata(self, metadata: Metadata) -> None:
        self.actions = [a for a in self.actions if "metaData" not in a]
        self.actions.append(metadata.action())

    def set_protocol(self, protocol: Protocol) -> None:
        self.actions = [a for a in self.actions if "protocol" not in a]
        self.actions.append(protocol.action())

    def commit(self, operation: Operation) -> int:
        """The version written."""
        version = self.snapshot.version + 1
        if version == 0:
            self.log.file_system.make_dirs(self.log.log_path)
        token = str(uuid.uuid4())
        while not self._write(version, operation, token):
            self._check(version)
            version += 1
        self._checkpoint(version)
        return version

    def _write(self, version: int, operation: Operation, token: str) -> bool:
        """Whether the version is ours; False if somebody else has it."""
        try:
            self.log.write(version, [self._info(version, operation, token), *self._ordered()])
        except FileExistsError:
            return self._is_ours(version, token)
        except ConnectionError:
            # The answer got lost: only the log knows whether the commit went through.
            if not self._is_ours(version, token):
                raise
        return True

    def _is_ours(self, version: int, token: str) -> bool:
        try:
            return commit_info(self.log.read(version)).get("txnId") == token
        except FileNotFoundError:
            return False

    def _ordered(self) -> list[Action]:
        """Protocol and metadata first, as other writers put them."""
        return sorted(self.actions, key=lambda action: ORDER.get(next(iter(action)), 3))

    def _info(self, version: int, operation: Operation, token: str) -> Action:
        value: dict[str, Any] = {
            "timestamp": self.clock.now_ms(),
            "operation": operation.name,
            "operationParameters": dict(operation.parameters),
            "readVersion": version - 1,
            "isolationLevel": "Serializable" if self.reads_whole_table else "WriteSerializable",
            "isBlindAppend": self._is_blind_append(),
            "operationMetrics": {name: str(value) for name, value in operation.metrics.items()},
            "engineInfo": ENGINE,
            "txnId": token,
        }
        if version == 0:
            del value["readVersion"]
        if operation.user_metadata is not None:
            value["userMetadata"] = operation.user_metadata
        if self._has_timestamps_in_commits():
            value = {"inCommitTimestamp": self._next_timestamp_ms(version), **value}
        return {"commitInfo": value}

    def _has_timestamps_in_commits(self) -> bool:
        return self.metadata.flag("delta.enableInCommitTimestamps")

    def _next_timestamp_ms(self, version: int) -> int:
        """Later than the version before, whatever the machine's clock says."""
        before = self.log.timestamp_ms(version - 1) if version > 0 else 0
        return max(self.clock.now_ms(), before + 1)

    def _is_blind_append(self) -> bool:
        kinds = {next(iter(action)) for action in self.actions}
        return "add" in kinds and not kinds & {"remove"} and not (self.reads_whole_table or self.read_files)

    # -- what other writers did meanwhile -----------------------------------------------------------

    def _check(self, version: int) -> None:
        """Raise if the commit of `version` does not go together with this transaction."""
        winner = self.log.read(version)
        info = commit_info(winner)
        for condition, applies in CONFLICTS:
            if applies(self, winner, info):
                operation = info.get("operation", "unknown operation")
                raise conflict(condition, self.log.path, version=version, operation=operation)

    def _protocol_changed(self, winner: list[Action], _: dict[str, Any]) -> bool:
        mine = any("protocol" in action for action in self.actions)
        return any("protocol" in action for action in winner) or (mine and self.snapshot.version < 0)

    def _metadata_changed(self, winner: list[Action], _: dict[str, Any]) -> bool:
        return any("metaData" in action for action in winner)

    def _same_application(self, winner: list[Action], _: dict[str, Any]) -> bool:
        return any(action["txn"]["appId"] in self._applications for action in winner if "txn" in action)

    def _rows_appeared(self, winner: list[Action], info: dict[str, Any]) -> bool:
        if not self.reads_whole_table or info.get("isBlindAppend"):
            return False  # Under WriteSerializable a blind append may have come later.
        return any(action["add"].get("dataChange") for action in winner if "add" in action)

    def _read_rows_vanished(self, winner: list[Action], _: dict[str, Any]) -> bool:
        if self.reads_whole_table:
            return any(action["remove"].get("dataChange") for action in winner if "remove" in action)
        return bool(self.read_files & _removed(winner))

    def _same_files_removed(self, winner: list[Action], _: dict[str, Any]) -> bool:
        return bool(_removed(self.actions) & _removed(winner))

    def _checkpoint(self, version: int) -> None:
        interval = int(self.metadata.configuration.get("delta.checkpointInterval", CHECKPOINT_INTERVAL))
        if version > 0 and version % interval == 0:
            snapshot = self.log.snapshot_at(version)
            self.log.write_checkpoint(snapshot, self.clock.now_ms())


def _removed(actions: list[Action]) -> set[tuple[str, str]]:
    return {logical_key(action["remove"]) for action in actions if "remove" in action}


ORDER = {"txn": 0, "protocol": 1, "metaData": 2}

CONFLICTS = (
    ("DELTA_PROTOCOL_CHANGED", Transaction._protocol_changed),
    ("DELTA_METADATA_CHANGED", Transaction._metadata_changed),
    ("DELTA_CONCURRENT_TRANSACTION", Transaction._same_application),
    ("DELTA_CONCURRENT_APPEND.WITHOUT_HINT", Transaction._rows_appeared),
    ("DELTA_CONCURRENT_DELETE_READ.WITHOUT_HINT", Transaction._read_rows_vanished),
    ("DELTA_CONCURRENT_DELETE_DELETE.WITHOUT_HINT", Transaction._same_files_removed),
)
"""Checked in Delta's order: ConflictChecker.scala."""

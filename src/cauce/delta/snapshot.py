"""The state of a table at one version: what all actions up to there add up to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cauce.delta.actions import Action, AddFile, Metadata, Protocol, logical_key

__all__ = ["Snapshot"]


@dataclass
class Snapshot:
    """`version` -1 is a table that does not exist yet. Changed only by `apply`, on a copy of one's own."""

    version: int = -1
    protocol: Protocol = field(default_factory=Protocol)
    metadata: Metadata | None = None
    files: dict[tuple[str, str], AddFile] = field(default_factory=dict)
    tombstones: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """Removed files that a vacuum may not have deleted yet; checkpoints must name them."""
    transactions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The last `txn` of each application."""
    domains: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        return self.metadata is not None

    @property
    def table(self) -> Metadata:
        """The metadata of a table that exists."""
        assert self.metadata is not None, "a table without metadata does not exist"
        return self.metadata

    def transaction_version(self, app_id: str) -> int:
        """The last batch of an application; -1 before any."""
        found = self.transactions.get(app_id)
        return -1 if found is None else found["version"]

    def copy(self) -> "Snapshot":
        return Snapshot(
            self.version,
            self.protocol,
            self.metadata,
            dict(self.files),
            dict(self.tombstones),
            dict(self.transactions),
            dict(self.domains),
        )

    def apply(self, version: int, actions: Iterable[Action]) -> None:
        """Move on to `version` by its actions."""
        for action in actions:
            for kind, value in action.items():
                if value is not None and kind in APPLIED:
                    APPLIED[kind](self, value)
        self.version = version


def _add(snapshot: Snapshot, value: Mapping[str, Any]) -> None:
    file = AddFile(value)
    snapshot.files[file.key] = file
    snapshot.tombstones.pop(file.key, None)


def _remove(snapshot: Snapshot, value: Mapping[str, Any]) -> None:
    key = logical_key(value)
    snapshot.files.pop(key, None)
    snapshot.tombstones[key] = value


def _metadata(snapshot: Snapshot, value: Mapping[str, Any]) -> None:
    snapshot.metadata = Metadata.of(value)


def _protocol(snapshot: Snapshot, value: Mapping[str, Any]) -> None:
    snapshot.protocol = Protocol.of(value)


def _transaction(snapshot: Snapshot, value: Mapping[str, Any]) -> None:
    snapshot.transactions[value["appId"]] = value


def _domain(snapshot: Snapshot, value: Mapping[str, Any]) -> None:
    snapshot.domains[value["domain"]] = value


APPLIED = {
    "add": _add,
    "remove": _remove,
    "metaData": _metadata,
    "protocol": _protocol,
    "txn": _transaction,
    "domainMetadata": _domain,
}

"""Results kept in memory as Arrow: persisted relations and checkpoints of one session."""

import contextlib
import threading
from collections.abc import Callable

import pyarrow as pa
from pyspark.sql.connect.proto import Relation, StorageLevel

__all__ = ["MEMORY_AND_DISK_DESER", "CachedRelation", "Leases", "RelationCache"]

MEMORY_AND_DISK_DESER = StorageLevel(use_disk=True, use_memory=True, deserialized=True, replication=1)
"""Spark's default level. Whatever the level says, the rows are in this process's memory."""


class CachedRelation:
    """A relation whose rows are computed once, when they are first asked for."""

    def __init__(self, relation: Relation, storage_level: StorageLevel) -> None:
        self.relation = relation
        self.storage_level = storage_level
        self._lock = threading.Lock()
        self._table: pa.Table | None = None

    def table(self, run: Callable[[Relation], pa.Table]) -> pa.Table:
        """The rows; `run` computes them for the first caller, the others wait."""
        with self._lock:
            if self._table is None:
                self._table = run(self.relation)
            return self._table


class RelationCache:
    """Persisted relations by what they mean: a key that is equal for plans that are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[bytes, CachedRelation] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def kinds(self) -> set[str]:
        """The relation types that are persisted, so that others need no key."""
        with self._lock:
            return {entry.relation.WhichOneof("rel_type") or "" for entry in self._entries.values()}

    def get(self, key: bytes) -> CachedRelation | None:
        with self._lock:
            return self._entries.get(key)

    def add(self, key: bytes, entry: CachedRelation) -> None:
        """Persist; what is persisted already stays as it is, as in Spark."""
        with self._lock:
            self._entries.setdefault(key, entry)

    def remove(self, key: bytes) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


class Leases:
    """Things that stay open as long as a name means what they were opened for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leases: dict[str, contextlib.ExitStack] = {}

    def replace(self, name: str, lease: contextlib.ExitStack) -> None:
        """The name has a new meaning; what the old one held is let go."""
        with self._lock:
            old = self._leases.pop(name, None)
            self._leases[name] = lease
        if old is not None:
            old.close()

    def close_all(self) -> None:
        with self._lock:
            leases, self._leases = list(self._leases.values()), {}
        for lease in leases:
            lease.close()

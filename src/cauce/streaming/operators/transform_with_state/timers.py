"""Timers: moments at which a key's processor is called again, in a store of their own."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from cauce.state import StateStore
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, key_parts
from cauce.streaming.operators.transform_with_state.scope import Scope

__all__ = ["EXPIRY", "TIMER_SCHEMA", "TIMER_STORES", "Timers", "timer_keys", "timer_layout"]

EXPIRY = "expiryTimestampMs"
TIMER_STORES = {"ProcessingTime": "$procTimers_keyToTimestamp", "EventTime": "$eventTimers_keyToTimestamp"}
"""Spark's names of what maps keys to their timers, by time mode."""

TIMER_SCHEMA = pa.schema([pa.field("isRegistered", pa.bool_())])
"""A timer is its key; a row must have a value."""


def timer_keys(group: pa.Schema) -> pa.Schema:
    """The key of the timers' store: the grouping key, then the moment in milliseconds."""
    return pa.schema([*group, pa.field(EXPIRY, pa.int64())])


def timer_layout(group: GroupKeys) -> StoreLayout:
    """How the timers' store reads."""
    keys = GroupKeys((*group.names, EXPIRY), (*group.types, pa.int64()))
    key = (*key_parts(group.names, group), Part(EXPIRY, pa.int64(), Source("key", number=len(group.names))))
    return StoreLayout(keys, TIMER_SCHEMA, key, (), EXPIRY)


class Timers:
    """The timers of the keys of one phase."""

    def __init__(self, name: str, store: StateStore, scope: Scope) -> None:
        self._name, self._store, self._scope = name, store, scope
        self.begin()

    def begin(self) -> None:
        """Forget what belongs to the keys of the last phase."""
        self._known: dict[int, list[int]] | None = None
        self._due: dict[int, list[int]] = {}
        self._changed: dict[int, dict[int, bool]] = {}

    def begin_due(self, groups: list[int], moments: list[int]) -> None:
        """Timers that left the store to be called, and are still there until they were."""
        for group, ms in zip(groups, moments, strict=True):
            self._due.setdefault(group, []).append(ms)

    def register(self, expiry_ms: int) -> None:
        self._changed.setdefault(self._scope.key(self._name), {})[expiry_ms] = True

    def delete(self, expiry_ms: int) -> None:
        self._changed.setdefault(self._scope.key(self._name), {})[expiry_ms] = False

    def all(self) -> Iterator[int]:
        """The current key's timers, the earliest first."""
        group = self._scope.key(self._name)
        if self._known is None:
            self._known = self._read()
        changed = self._changed.get(group, {})
        known = [*self._known.get(group, []), *self._due.get(group, [])]
        known = [ms for ms in known if changed.get(ms, True)]
        return iter(sorted({*known, *(ms for ms, there in changed.items() if there)}))

    def flush(self) -> tuple[int, int]:
        """Write what changed; how many timers were put and removed."""
        changes = [(key, ms, there) for key, own in self._changed.items() for ms, there in own.items()]
        put = [(key, ms) for key, ms, there in changes if there]
        gone = [(key, ms) for key, ms, there in changes if not there]
        removed = self._store.remove(self._keys(gone)) if gone else 0
        if put:
            flags = pa.repeat(pa.scalar(True), len(put))
            self._store.put(self._keys(put), pa.Table.from_arrays([flags], schema=TIMER_SCHEMA))
        self.begin()
        return len(put), removed

    def take_due(self, threshold_ms: int) -> pa.Table:
        """Take the timers at or before the threshold out of the store: keys and moments, earliest first."""
        due = self._store.evict(threshold_ms).combine_chunks()
        return due.take(np.argsort(due.column(EXPIRY).to_numpy(), kind="stable")) if due.num_rows else due

    def _keys(self, timers: list[tuple[int, int]]) -> pa.Table:
        groups = self._scope.keys.take([group for group, _ in timers])
        moments = pa.array([ms for _, ms in timers], pa.int64())
        return pa.Table.from_arrays([*groups.columns, moments], schema=timer_keys(groups.schema))

    def _read(self) -> dict[int, list[int]]:
        index, positions = self._store.find_prefix(self._scope.keys)
        known: dict[int, list[int]] = {}
        moments = self._store.read_keys(positions).column(EXPIRY).to_pylist()
        for group, ms in zip(index.tolist(), moments, strict=True):
            known.setdefault(group, []).append(ms)
        return known

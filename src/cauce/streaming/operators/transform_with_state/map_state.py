"""Map state: rows by a key of the user's own below the grouping key."""

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Row
from pyspark.sql.streaming.stateful_processor import MapState

from cauce.state import StateStore
from cauce.streaming.operators.transform_with_state.codec import StateRow, frozen
from cauce.streaming.operators.transform_with_state.scope import Scope
from cauce.streaming.operators.transform_with_state.value_state import clear_store
from cauce.streaming.operators.transform_with_state.variables import StateVariable

__all__ = ["StoredMap"]

Entry = tuple[StateRow, StateRow]
"""The user's key and value."""


class StoredMap(MapState):
    """Short maps of all keys are read at once; of a long one, the entries that are asked for."""

    def __init__(self, variable: StateVariable, store: StateStore, scope: Scope) -> None:
        self._variable, self._store, self._scope = variable, store, scope
        self._keys, self._values = variable.user_key, variable.value
        self.begin()

    def begin(self) -> None:
        """Forget what belongs to the keys of the last phase."""
        self._found: tuple[np.ndarray, np.ndarray] | None = None
        self._all_known = False
        self._whole: dict[int, dict[Hashable, Entry]] = {}
        self._single: dict[tuple[int, Hashable], Entry | None] = {}
        self._changed: dict[int, dict[Hashable, tuple[StateRow, StateRow | None]]] = {}
        self._cleared: set[int] = set()

    def exists(self) -> bool:
        return bool(self._entries())

    def getValue(self, key: Any) -> Row | None:
        found = self._lookup(self._keys.taken(key))
        return None if found is None else self._values.make_row(*self._values.given(found))

    def containsKey(self, key: Any) -> bool:
        return self._lookup(self._keys.taken(key)) is not None

    def updateValue(self, key: Any, value: Any) -> None:
        group = self._scope.key(self._variable.name)
        taken = self._keys.taken(key)
        self._changed.setdefault(group, {})[frozen(taken)] = (taken, self._values.taken(value))

    def iterator(self) -> Iterator[tuple[tuple, tuple]]:
        return ((self._keys.given(key), self._values.given(value)) for key, value in self._entries())

    def keys(self) -> Iterator[tuple]:
        return (self._keys.given(key) for key, _ in self._entries())

    def values(self) -> Iterator[tuple]:
        return (self._values.given(value) for _, value in self._entries())

    def removeKey(self, key: Any) -> None:
        group = self._scope.key(self._variable.name)
        taken = self._keys.taken(key)
        self._changed.setdefault(group, {})[frozen(taken)] = (taken, None)

    def clear(self) -> None:
        group = self._scope.key(self._variable.name)
        self._cleared.add(group)
        self._changed.pop(group, None)

    def flush(self) -> tuple[int, int]:
        """Write what changed; how many rows were put and removed."""
        changes = [
            (group, key, value) for group, part in self._changed.items() for key, value in part.values()
        ]
        put = [(group, key, value) for group, key, value in changes if value is not None]
        gone = [(group, key) for group, key, value in changes if value is None]
        removed = self._remove_whole(sorted(self._cleared)) if self._cleared else 0
        if gone:
            removed += self._store.remove(self._store_keys([g for g, _ in gone], [key for _, key in gone]))
        if put:
            keys = self._store_keys([group for group, _, _ in put], [key for _, key, _ in put])
            rows = [value for _, _, value in put]
            self._store.put(keys, self._variable.values(rows, self._scope.now_ms))
        self.begin()
        return len(put), removed

    def clear_all(self) -> bool:
        """Forget every key's map."""
        return clear_store(self._store)

    def _remove_whole(self, groups: list[int]) -> int:
        _, positions = self._store.find_prefix(self._scope.keys.take(groups))
        return self._store.remove(self._store.read_keys(positions)) if len(positions) else 0

    def _store_keys(self, groups: list[int], keys: list[StateRow]) -> pa.Table:
        users = pa.Table.from_arrays(self._keys.to_arrow(keys), schema=pa.schema(self._keys.fields))
        flat = self._variable.user_keys.flatten(users)
        columns = [*self._scope.keys.take(groups).columns, *flat.columns]
        return pa.Table.from_arrays(columns, schema=self._variable.key_schema(self._scope.keys.schema))

    def _lookup(self, key: StateRow) -> StateRow | None:
        group, name = self._scope.key(self._variable.name), frozen(key)
        changed = self._changed.get(group, {}).get(name)
        if changed is not None:
            return changed[1]
        if group in self._cleared:
            return None
        whole = self._whole_if_short(group)
        entry = whole.get(name) if whole is not None else self._read_single(group, name, key)
        return None if entry is None else entry[1]

    def _entries(self) -> list[Entry]:
        group = self._scope.key(self._variable.name)
        stored = {} if group in self._cleared else self._read_whole(group)
        changed = self._changed.get(group, {})
        kept = [entry for name, entry in stored.items() if name not in changed]
        return kept + [(key, value) for key, value in changed.values() if value is not None]

    def _whole_if_short(self, group: int) -> dict[Hashable, Entry] | None:
        if not self._all_known and group not in self._whole:
            index, positions = self._find()
            self._all_known = self._scope.is_eager(len(positions))
            if not self._all_known:
                return None
            self._read(index, positions)
        return self._whole.get(group, {})

    def _read_whole(self, group: int) -> dict[Hashable, Entry]:
        whole = self._whole_if_short(group)
        if whole is not None:
            return whole
        index, positions = self._find()
        mine = index == group
        self._whole[group] = {}
        self._read(index[mine], positions[mine])
        return self._whole[group]

    def _find(self) -> tuple[np.ndarray, np.ndarray]:
        if self._found is None:
            self._found = self._store.find_prefix(self._scope.keys)
        return self._found

    def _read(self, index: np.ndarray, positions: np.ndarray) -> None:
        values = self._store.read(positions)
        alive = np.flatnonzero(self._variable.are_alive(values, self._scope.now_ms))
        if not len(alive):
            return
        flat = self._store.read_keys(positions[alive]).select(self._variable.user_keys.schema.names)
        keys = self._keys.from_arrow(
            [
                column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
                for column in self._variable.user_keys.restore(flat)
            ]
        )
        rows = self._variable.rows(values.take(alive))
        for group, key, row in zip(index[alive].tolist(), keys, rows, strict=True):
            self._whole.setdefault(group, {})[frozen(key)] = (key, row)

    def _read_single(self, group: int, name: Hashable, key: StateRow) -> Entry | None:
        if (group, name) not in self._single:
            found, values = self._store.get(self._store_keys([group], [key]))
            found &= self._variable.are_alive(values, self._scope.now_ms)
            self._single[group, name] = (key, self._variable.rows(values)[0]) if found[0] else None
        return self._single[group, name]

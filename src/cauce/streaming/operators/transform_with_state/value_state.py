"""Value state: one row per key."""

from typing import Any

import pyarrow as pa
from pyspark.sql.streaming.stateful_processor import ValueState

from cauce.state import StateStore
from cauce.streaming.operators.transform_with_state.codec import StateRow
from cauce.streaming.operators.transform_with_state.scope import Scope
from cauce.streaming.operators.transform_with_state.variables import StateVariable

__all__ = ["StoredValue"]


class StoredValue(ValueState):
    """Read for all keys at once when the first is asked for; written at the end of the phase."""

    def __init__(self, variable: StateVariable, store: StateStore, scope: Scope) -> None:
        self._variable, self._store, self._scope = variable, store, scope
        self._codec = variable.value
        self.begin()

    def begin(self) -> None:
        """Forget what belongs to the keys of the last phase."""
        self._known: list[StateRow | None] | None = None
        self._changed: dict[int, StateRow | None] = {}

    def exists(self) -> bool:
        return self._row() is not None

    def get(self) -> tuple | None:
        row = self._row()
        return None if row is None else self._codec.given(row)

    def update(self, newValue: Any) -> None:
        self._changed[self._scope.key(self._variable.name)] = self._codec.taken(newValue)

    def clear(self) -> None:
        self._changed[self._scope.key(self._variable.name)] = None

    def flush(self) -> tuple[int, int]:
        """Write what changed; how many rows were put and removed."""
        put = [key for key, row in self._changed.items() if row is not None]
        gone = [key for key, row in self._changed.items() if row is None]
        removed = self._store.remove(self._scope.keys.take(gone)) if gone else 0
        if put:
            rows = [row for row in self._changed.values() if row is not None]
            self._store.put(self._scope.keys.take(put), self._variable.values(rows, self._scope.now_ms))
        self.begin()
        return len(put), removed

    def clear_all(self) -> bool:
        """Forget every key's value."""
        return clear_store(self._store)

    def _row(self) -> StateRow | None:
        key = self._scope.key(self._variable.name)
        if key in self._changed:
            return self._changed[key]
        if self._known is None:
            self._known = self._read()
        return self._known[key]

    def _read(self) -> list[StateRow | None]:
        found, values = self._store.get(self._scope.keys)
        found &= self._variable.are_alive(values, self._scope.now_ms)
        if not found.any():
            return [None] * len(found)
        rows = iter(self._variable.rows(values.filter(pa.array(found))))
        return [next(rows) if known else None for known in found.tolist()]


def clear_store(store: StateStore) -> bool:
    """Remove every row of a store; whether there was any."""
    width = len(store.key_schema)
    found = False
    for piece in list(store.scan()):
        found |= piece.num_rows > 0
        store.remove(piece.select(range(width)))
    return found

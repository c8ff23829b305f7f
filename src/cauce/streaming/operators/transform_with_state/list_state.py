"""List state: any number of rows per key, in the order in which they were added."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pyspark.sql.streaming.stateful_processor import ListState

from cauce.errors import IllegalArgumentException
from cauce.state import StateStore
from cauce.streaming.operators.transform_with_state.codec import StateRow
from cauce.streaming.operators.transform_with_state.scope import Scope
from cauce.streaming.operators.transform_with_state.value_state import clear_store
from cauce.streaming.operators.transform_with_state.variables import INDEX, StateVariable

__all__ = ["StoredList"]

COMMITS_SHIFT = 32
"""A list's rows are numbered by the store's version, then within the batch."""


class StoredList(ListState):
    """Appending reads nothing; a list is read when it is asked for."""

    def __init__(self, variable: StateVariable, store: StateStore, scope: Scope) -> None:
        self._variable, self._store, self._scope = variable, store, scope
        self._codec = variable.value
        self._written = 0
        self.begin()

    def begin(self) -> None:
        """Forget what belongs to the keys of the last phase."""
        self._found: tuple[np.ndarray, np.ndarray] | None = None
        self._known: dict[int, list[StateRow]] = {}
        self._all_known = False
        self._added: dict[int, list[StateRow]] = {}
        self._replaced: set[int] = set()

    def exists(self) -> bool:
        return bool(self._rows())

    def get(self) -> Iterator[tuple]:
        return map(self._codec.given, self._rows())

    def put(self, newState: Sequence[Any]) -> None:
        key = self._scope.key(self._variable.name)
        rows = self._taken(newState)
        self._replaced.add(key)
        self._added[key] = rows

    def appendValue(self, newState: Any) -> None:
        self._added.setdefault(self._scope.key(self._variable.name), []).append(self._codec.taken(newState))

    def appendList(self, newState: Sequence[Any]) -> None:
        key = self._scope.key(self._variable.name)
        self._added.setdefault(key, []).extend(self._taken(newState))

    def clear(self) -> None:
        key = self._scope.key(self._variable.name)
        self._replaced.add(key)
        self._added.pop(key, None)

    def flush(self) -> tuple[int, int]:
        """Write what changed; how many rows were put and removed."""
        removed = self._store.remove(self._scope.keys.take(sorted(self._replaced))) if self._replaced else 0
        rows = [row for added in self._added.values() for row in added]
        if rows:
            keys = np.repeat(list(self._added), [len(added) for added in self._added.values()])
            first = (self._store.version << COMMITS_SHIFT) + self._written
            index = np.arange(first, first + len(rows))
            self._store.put(
                self._scope.keys.take(keys), self._variable.values(rows, self._scope.now_ms, index)
            )
            self._written += len(rows)
        self.begin()
        return len(rows), removed

    def clear_all(self) -> bool:
        """Forget every key's list."""
        return clear_store(self._store)

    def _taken(self, rows: Sequence[Any]) -> list[StateRow]:
        taken = [self._codec.taken(row) for row in rows]
        if not taken:
            raise IllegalArgumentException(
                "ILLEGAL_STATE_STORE_VALUE.EMPTY_LIST_VALUE", stateName=self._variable.name
            )
        return taken

    def _rows(self) -> list[StateRow]:
        key = self._scope.key(self._variable.name)
        added = self._added.get(key, [])
        return [*added] if key in self._replaced else [*self._stored(key), *added]

    def _stored(self, key: int) -> list[StateRow]:
        if key not in self._known and not self._all_known:
            if self._found is None:
                self._found = self._store.find_all(self._scope.keys)
            index, positions = self._found
            self._all_known = self._scope.is_eager(len(positions))
            mine = slice(None) if self._all_known else slice(*index.searchsorted((key, key + 1)))
            self._read(index[mine], positions[mine])
            if not self._all_known:
                self._known.setdefault(key, [])
        return self._known.get(key, [])

    def _read(self, index: np.ndarray, positions: np.ndarray) -> None:
        values = self._store.read(positions)
        alive = self._variable.are_alive(values, self._scope.now_ms)
        order = np.lexsort((values.column(INDEX).to_numpy(), index))
        order = order[alive[order]]
        rows = self._variable.rows(values.take(order))
        for key, row in zip(index[order].tolist(), rows, strict=True):
            self._known.setdefault(key, []).append(row)

"""From a key's hash to the position of its one row."""

import numpy as np

from cauce.state.index import HashIndex
from cauce.state.segment import NO_POSITIONS

__all__ = ["UniqueRows"]

Found = tuple[np.ndarray, np.ndarray]


class UniqueRows:
    """One row per key."""

    def __init__(self, hashes: np.ndarray, positions: np.ndarray) -> None:
        self._index = HashIndex.build(hashes, positions)
        self._last: tuple[np.ndarray, Found] | None = None

    @property
    def memory_bytes(self) -> int:
        return self._index.memory_bytes

    def find(self, hashes: np.ndarray) -> np.ndarray:
        """Positions, -1 where there is none."""
        return self._find(hashes)[1]

    def put(self, hashes: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Give keys their new rows, the last of equal keys wins; the rows that nobody owns any more."""
        slots, old = self._find(hashes)
        self._last = None
        absent, present = np.flatnonzero(old < 0), np.flatnonzero(old >= 0)
        killed, repeated = np.sort(old[present]), False
        if len(absent):
            if self._index.reserve(len(absent)):
                slots = self._index.find(hashes)[0]
            slots[absent], shared = self._index.insert(hashes[absent], slots[absent], positions[absent])
            repeated = len(shared) > 0
        if not repeated and (killed[1:] != killed[:-1]).all():
            self._index.assign(slots[present], positions[present])
            return killed
        self._index.assign(slots, positions)
        won = self._index.numbers(slots) == positions
        return np.concatenate([old[won & (old >= 0)], positions[~won]])

    def remove(self, hashes: np.ndarray) -> np.ndarray:
        """Forget keys; the rows they owned."""
        slots, positions = self._find(hashes)
        self._last = None
        there = positions >= 0
        slots, first = np.unique(slots[there], return_index=True)
        self._index.remove(slots)
        return positions[there][first]

    def remove_rows(self, hashes: np.ndarray, positions: np.ndarray) -> None:
        """Forget live rows given with the hashes of their keys."""
        self._last = None
        self._index.remove(self._index.find(hashes)[0])

    def move(self, hashes: np.ndarray, old: np.ndarray, new: np.ndarray) -> None:
        """Rows moved to new positions."""
        self._last = None
        self._index.assign(self._index.find(hashes)[0], new)

    def _find(self, hashes: np.ndarray) -> Found:
        # A batch reads its keys and then writes the same ones.
        if self._last is None or self._last[0] is not hashes:
            self._last = (hashes, self._index.find(hashes) if len(hashes) else (NO_POSITIONS, NO_POSITIONS))
        return self._last[1]

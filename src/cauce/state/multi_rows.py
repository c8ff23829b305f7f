"""From a key's hash to the positions of all its rows."""

from collections.abc import Iterator

import numpy as np

from cauce.state.index import HashIndex
from cauce.state.postings import Postings, group
from cauce.state.segment import NO_POSITIONS

__all__ = ["MultiRows"]


class MultiRows:
    """Any number of rows per key."""

    def __init__(self, hashes: np.ndarray, positions: np.ndarray) -> None:
        order = np.lexsort((hashes[:, 1], hashes[:, 0]))
        hashes, positions = hashes[order], positions[order]
        first = np.append(True, (hashes[1:] != hashes[:-1]).any(axis=1))[: len(hashes)]
        distinct = np.flatnonzero(first)
        self._postings = Postings()
        lists = self._postings.create(len(distinct))
        self._postings.append(np.repeat(lists, np.diff(distinct, append=len(hashes))), positions)
        self._index = HashIndex.build(hashes[distinct], lists)

    @property
    def memory_bytes(self) -> int:
        return self._index.memory_bytes + self._postings.memory_bytes

    def find_all(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Index into `hashes` and position of every row of every key, in that order."""
        lists = self._index.find(hashes)[1]
        known = np.flatnonzero(lists >= 0)
        index, positions = self._postings.read(lists[known])
        return known[index], positions

    def find_in_pieces(self, hashes: np.ndarray, rows_max: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What `find_all` gives, so many keys at a time that a piece has few rows, but a key is never cut.

        Rows may be moved and removed between two pieces.
        """
        lists = self._index.find(hashes)[1]
        known = np.flatnonzero(lists >= 0)
        ends = np.cumsum(self._postings.lengths(lists[known]))
        start = 0
        while start < len(known):
            before = ends[start - 1] if start else 0
            stop = max(start + 1, int(ends.searchsorted(before + rows_max, side="right")))
            index, positions = self._postings.read(lists[known[start:stop]])
            yield known[start:stop][index], positions
            start = stop

    def put(self, hashes: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Append rows to their keys; kills none."""
        slots, lists = self._index.find(hashes)
        absent = np.flatnonzero(lists < 0)
        if len(absent):
            if self._index.reserve(len(absent)):
                slots = self._index.find(hashes)[0]
            created = self._postings.create(len(absent))
            slots, _ = self._index.insert(hashes[absent], slots[absent], created)
            lists[absent] = self._index.numbers(slots)
            self._postings.free(created[lists[absent] != created])
        self._postings.append(lists, positions)
        return NO_POSITIONS

    def remove(self, hashes: np.ndarray) -> np.ndarray:
        """Forget keys; the rows they owned."""
        lists = self._index.find(hashes)[1]
        positions = self._postings.read(np.unique(lists[lists >= 0]))[1]
        self.remove_rows(hashes, positions)
        return positions

    def remove_rows(self, hashes: np.ndarray, positions: np.ndarray) -> None:
        """Forget live rows; `hashes` are those of their keys."""
        slots, lists = self._index.find(hashes)
        slots, lists = slots[lists >= 0], lists[lists >= 0]
        order, first = group(lists)
        distinct = order[first]
        is_empty = self._postings.remove(lists[distinct], positions)
        self._index.remove(slots[distinct[is_empty]])

    def move(self, hashes: np.ndarray, old: np.ndarray, new: np.ndarray) -> None:
        """Rows moved to new positions."""
        self._postings.move(np.unique(self._index.find(hashes)[1]), old, new)

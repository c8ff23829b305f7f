"""Many growing lists of row positions in one array: the rows of each key of a multi-row store."""

import numpy as np

__all__ = ["Postings", "group"]


class Postings:
    """List ids are dense small integers; a list keeps the order in which its positions were appended."""

    def __init__(self) -> None:
        self._starts = np.zeros(0, dtype=np.int64)
        self._lengths = np.zeros(0, dtype=np.int64)
        self._capacities = np.zeros(0, dtype=np.int64)
        self._free: list[np.ndarray] = []
        self._num_lists = 0
        self._arena = np.zeros(0, dtype=np.int64)
        self._end = 0
        self._reserved = 0
        """Arena entries that belong to a list; the rest of what lies before the end is garbage."""

    @property
    def memory_bytes(self) -> int:
        return 3 * self._starts.nbytes + self._arena.nbytes

    def create(self, count: int) -> np.ndarray:
        """Ids of new empty lists."""
        ids = []
        while self._free and count:
            free = self._free.pop()
            if len(free) > count:
                self._free.append(free[count:])
            ids.append(free[:count])
            count -= len(ids[-1])
        ids.append(np.arange(self._num_lists, self._num_lists + count))
        self._num_lists += count
        if self._num_lists > len(self._starts):
            size = max(2 * len(self._starts), self._num_lists, 64)
            self._starts, self._lengths, self._capacities = (
                _grown(array, size) for array in (self._starts, self._lengths, self._capacities)
            )
        return np.concatenate(ids)

    def lengths(self, lists: np.ndarray) -> np.ndarray:
        """How many positions each list has."""
        return self._lengths[lists]

    def append(self, lists: np.ndarray, positions: np.ndarray) -> None:
        """Append each position to its list; a list may be given several times."""
        if not len(lists):
            return
        order, first = group(lists)
        distinct, counts = lists[order[first]], np.diff(first, append=len(lists))
        self._make_room(distinct, counts)
        ends = self._starts[distinct] + self._lengths[distinct]
        self._arena[_ranges(ends, counts)] = positions[order]
        self._lengths[distinct] += counts

    def read(self, lists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All positions of the lists, and for each the index into `lists` it stands for."""
        lengths = self._lengths[lists]
        return np.repeat(np.arange(len(lists)), lengths), self._arena[_ranges(self._starts[lists], lengths)]

    def remove(self, lists: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Take positions out of the distinct `lists`; which of them became empty and are free now."""
        index, held = self.read(lists)
        kept = ~np.isin(held, positions)
        lengths = np.bincount(index[kept], minlength=len(lists))
        self._arena[_ranges(self._starts[lists], lengths)] = held[kept]
        self._lengths[lists] = lengths
        self.free(lists[lengths == 0])
        return lengths == 0

    def free(self, lists: np.ndarray) -> None:
        """Give back empty lists."""
        self._reserved -= int(self._capacities[lists].sum())
        self._capacities[lists] = 0
        if len(lists):
            self._free.append(lists)

    def move(self, lists: np.ndarray, old: np.ndarray, new: np.ndarray) -> None:
        """Replace positions in the distinct `lists`, keeping their places."""
        places = _ranges(self._starts[lists], self._lengths[lists])
        held = self._arena[places]
        order = np.argsort(old)
        at = np.minimum(old[order].searchsorted(held), len(old) - 1)
        hit = old[order][at] == held
        self._arena[places[hit]] = new[order][at[hit]]

    def _make_room(self, lists: np.ndarray, counts: np.ndarray) -> None:
        """Give lists that would overflow a place of twice the size at the end of the arena."""
        needed = self._lengths[lists] + counts
        tight = needed > self._capacities[lists]
        if not tight.any():
            return
        lists, needed = lists[tight], needed[tight]
        # A key's first row gets just its place: most keys never have a second.
        sizes = np.where(self._lengths[lists] == 0, needed, 2 * needed)
        self._reserve(int(sizes.sum()))
        index, held = self.read(lists)
        self._reserved += int(sizes.sum() - self._capacities[lists].sum())
        self._starts[lists] = self._end + np.cumsum(sizes) - sizes
        self._capacities[lists] = sizes
        self._end += int(sizes.sum())
        self._arena[_ranges(self._starts[lists], self._lengths[lists])] = held

    def _reserve(self, count: int) -> None:
        if self._end + count <= len(self._arena):
            return
        if self._reserved < self._end // 2:
            self._squeeze()
        if self._end + count > len(self._arena):
            self._arena = _grown(self._arena, max(2 * self._end, self._end + count, 1024))

    def _squeeze(self) -> None:
        """Drop the garbage between the lists."""
        lists = np.flatnonzero(self._capacities[: self._num_lists])
        _, held = self.read(lists)
        sizes = self._capacities[lists]
        self._starts[lists] = np.cumsum(sizes) - sizes
        self._end = int(sizes.sum())
        self._arena[_ranges(self._starts[lists], self._lengths[lists])] = held


def group(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order that sorts numbers below 2**31, equal ones as they come; where in it each group starts."""
    # Number and place in one integer: a plain sort is several times faster than a stable argsort.
    packed = np.sort((numbers << 32) | np.arange(len(numbers)))
    order, numbers = packed & (2**32 - 1), packed >> 32
    return order, np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)])


def _grown(array: np.ndarray, size: int) -> np.ndarray:
    grown = np.zeros(size, dtype=array.dtype)
    grown[: len(array)] = array
    return grown


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """start, start + 1, ... for each length, one after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))

"""An open-addressing hash table in numpy from a 128-bit key hash to a number, probed for many keys at once.

A slot holds two hash words and the number plus one; zero means never used and -1 means removed. When the
table fills up, a second one takes over and every later change moves a few slots across, so that no single
batch pays for all keys.
"""

import numpy as np

__all__ = ["HashIndex"]

CAPACITY_MIN = 1024
LOAD_MAX = 0.6
SLOTS_MOVED_MIN = 16_384
WINDOW = 8
"""Slots looked at in one step when the keys are few and calls cost more than memory."""
WINDOW_KEYS_MAX = 256
FILL_ROWS = 65_536
"""Entries assembled at a time when a table is built, so that they stay in the processor's cache."""


class HashIndex:
    """Maps hashes (uint64[n, 2]) to numbers (int64[n], not negative, -1 where absent)."""

    def __init__(self) -> None:
        self._table = _Table(CAPACITY_MIN)
        self._old: _Table | None = None
        self._moved = 0

    @classmethod
    def build(cls, hashes: np.ndarray, numbers: np.ndarray) -> "HashIndex":
        """The index over distinct hashes, in one sorted pass."""
        index = cls()
        index._table = _Table(_capacity(len(hashes), load=LOAD_MAX))
        index._table.fill(hashes, numbers)
        return index

    def __len__(self) -> int:
        return self._table.live + (self._old.live if self._old else 0)

    @property
    def memory_bytes(self) -> int:
        return self._table.slots.nbytes + (self._old.slots.nbytes if self._old else 0)

    def find(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slots and numbers, -1 where absent. Slots are good until the next `reserve`."""
        slots = self._table.find(hashes)
        if self._old is not None:
            self._bring(hashes, slots)
        return slots, np.where(slots < 0, -1, self._table.slots[slots, 2] - 1)

    def assign(self, slots: np.ndarray, numbers: np.ndarray) -> None:
        """Give found keys new numbers; of equal slots the last wins."""
        self._table.slots[slots, 2] = numbers + 1

    def numbers(self, slots: np.ndarray) -> np.ndarray:
        return self._table.slots[slots, 2] - 1

    def insert(self, hashes: np.ndarray) -> np.ndarray:
        """Slots of absent keys after `reserve`, to be given numbers by `assign`; equal keys share a slot."""
        return self._table.insert(hashes)

    def remove(self, slots: np.ndarray) -> None:
        """Remove keys by their distinct slots."""
        self._table.remove(slots)

    def _bring(self, hashes: np.ndarray, slots: np.ndarray) -> None:
        """Move the sought keys that still sit in the old table; `slots` learns where they went."""
        assert self._old is not None
        missing = np.flatnonzero(slots < 0)
        old_slots = self._old.find(hashes[missing])
        there = old_slots >= 0
        if not there.any():
            return
        missing, old_slots = missing[there], old_slots[there]
        numbers = self._old.slots[old_slots, 2]
        slots[missing] = self._table.insert(hashes[missing])
        self._table.slots[slots[missing], 2] = numbers
        self._old.remove(np.unique(old_slots))

    def reserve(self, n: int) -> bool:
        """Make room for `n` keys; whether slots found earlier are void now."""
        if self._old is not None:
            self._move(max(SLOTS_MOVED_MIN, 4 * n))
        if self._table.used + n <= self._table.capacity * LOAD_MAX:
            return False
        if self._old is not None:
            self._move(self._old.capacity)
        self._old, self._moved = self._table, 0
        self._table = _Table(_capacity(self._old.live + n, load=LOAD_MAX / 2))
        self._move(max(SLOTS_MOVED_MIN, 4 * n))
        return True

    def _move(self, count: int) -> None:
        """Bring the next `count` slots of the old table over."""
        assert self._old is not None
        block = self._old.slots[self._moved : self._moved + count]
        live = np.flatnonzero(block[:, 2] > 0)
        entries = block[live]
        slots = self._table.insert(np.ascontiguousarray(entries[:, :2]).view(np.uint64))
        self._table.slots[slots, 2] = entries[:, 2]
        block[live, 2] = -1  # Still part of the old probe paths.
        self._old.live -= len(live)
        self._moved += count
        if self._moved >= self._old.capacity:
            self._old = None


def _capacity(keys: int, *, load: float) -> int:
    """The power of two that `keys` fill to `load` or less."""
    return max(CAPACITY_MIN, 1 << int(np.ceil(np.log2(max(keys, 1) / load))))


class _Table:
    """One array of slots, int64[capacity, 3], with linear probing from the low bits of the first word."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.slots = np.zeros((capacity, 3), dtype=np.int64)  # Untouched pages cost nothing.
        self.used = 0
        self.live = 0

    def home(self, hashes: np.ndarray) -> np.ndarray:
        return hashes[:, 0].view(np.int64) & (self.capacity - 1)

    def fill(self, hashes: np.ndarray, numbers: np.ndarray) -> None:
        """Place distinct hashes in an empty table: in order of home, each at home or behind its neighbour."""
        ramp = np.arange(len(hashes))
        # Home and position in one integer: a plain sort is several times faster than an argsort.
        packed = np.sort((self.home(hashes) << 32) | ramp)
        order, home = packed & (2**32 - 1), packed >> 32
        slots = np.maximum.accumulate(home - ramp) + ramp
        inside = int(np.searchsorted(slots, self.capacity))
        for start in range(0, inside, FILL_ROWS):
            part = order[start : min(start + FILL_ROWS, inside)]
            entries = np.empty((len(part), 3), dtype=np.int64)
            entries[:, :2] = hashes.view(np.int64).take(part, axis=0)
            entries[:, 2] = numbers.take(part) + 1
            self.slots[slots[start : start + len(part)]] = entries
        self.used = self.live = inside
        wrapped = order[inside:]
        self.slots[self.insert(hashes[wrapped]), 2] = numbers[wrapped] + 1

    def find(self, hashes: np.ndarray) -> np.ndarray:
        words = hashes.view(np.int64)
        if len(hashes) <= WINDOW_KEYS_MAX:
            return self._find_few(words, self.home(hashes))
        slots = self.home(hashes)
        hit, goes_on = self._compare(slots, words)
        found = np.where(hit, slots, -1)
        asked = np.flatnonzero(goes_on)
        while len(asked):
            next_slots = (slots.take(asked) + 1) & (self.capacity - 1)
            hit, goes_on = self._compare(next_slots, words.take(asked, axis=0))
            found[asked[hit]] = next_slots[hit]
            slots[asked] = next_slots
            asked = asked[goes_on]
        return found

    def _compare(self, slots: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether each slot holds the key, and if not whether its probe path goes on."""
        entries = self.slots.take(slots, axis=0)
        number = entries[:, 2]
        hit = (entries[:, 0] == words[:, 0]) & (entries[:, 1] == words[:, 1]) & (number > 0)
        return hit, ~hit & (number != 0)

    def _find_few(self, words: np.ndarray, home: np.ndarray) -> np.ndarray:
        window = np.arange(WINDOW)
        slots = (home[:, None] + window) & (self.capacity - 1)
        entries = self.slots.take(slots, axis=0)
        number = entries[:, :, 2]
        hit = (entries[:, :, 0] == words[:, :1]) & (entries[:, :, 1] == words[:, 1:]) & (number > 0)
        stop = hit | (number == 0)
        first = stop.argmax(axis=1)
        rows = np.arange(len(first))
        found = np.where(hit[rows, first], slots[rows, first], -1)
        further = np.flatnonzero(~stop[rows, first])
        if len(further):
            found[further] = self._find_few(words[further], home[further] + WINDOW)
        return found

    def insert(self, hashes: np.ndarray) -> np.ndarray:
        """Claim a slot for each absent hash (number 1 until told otherwise); equal hashes share one."""
        words = hashes.view(np.int64)
        slots = self.home(hashes)
        result = np.empty(len(slots), dtype=np.int64)
        asked = np.arange(len(slots))
        while len(asked):
            entries = self.slots.take(slots, axis=0)
            free = np.flatnonzero(entries[:, 2] <= 0)
            if len(free):
                self._claim(slots[free], words[free], entries[free, 2] == 0)
                entries = self.slots.take(slots, axis=0)
            placed = (entries[:, 0] == words[:, 0]) & (entries[:, 1] == words[:, 1])
            result[asked[placed]] = slots[placed]
            further = np.flatnonzero(~placed)
            asked, words = asked[further], words[further]
            slots = (slots[further] + 1) & (self.capacity - 1)
        return result

    def _claim(self, slots: np.ndarray, words: np.ndarray, unused: np.ndarray) -> None:
        """Write the words into free slots; where several want one slot, the last gets it."""
        self.slots[slots, 2] = np.arange(1, len(slots) + 1)
        won = self.slots[slots, 2] == np.arange(1, len(slots) + 1)
        winners = slots[won]
        self.slots[winners, :2] = words[won]
        self.live += len(winners)
        self.used += int(np.count_nonzero(unused[won]))

    def remove(self, slots: np.ndarray) -> None:
        # A slot before a never-used one ends every probe path through it, so it can become unused again.
        ends_path = self.slots[(slots + 1) & (self.capacity - 1), 2] == 0
        self.slots[slots, 2] = np.where(ends_path, 0, -1)
        self.used -= int(np.count_nonzero(ends_path))
        self.live -= len(slots)

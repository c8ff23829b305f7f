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
        """Slots and numbers; where absent, a negative slot that `insert` understands and -1.

        Slots are good until the next `reserve` or `remove`.
        """
        slots, numbers = self._table.find(hashes)
        if self._old is not None:
            self._bring(hashes, slots, numbers)
        return slots, numbers - 1

    def assign(self, slots: np.ndarray, numbers: np.ndarray) -> None:
        """Give found keys new numbers; of equal slots the last wins."""
        self._table.slots[slots, 2] = numbers + 1

    def numbers(self, slots: np.ndarray) -> np.ndarray:
        return self._table.slots[slots, 2] - 1

    def insert(
        self, hashes: np.ndarray, slots: np.ndarray, numbers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add keys that `find` did not find; `slots` are what it said after the last `reserve`.

        Gives their slots, and the indexes of those that share the slot, and the number, of an equal key.
        """
        return self._table.insert(hashes, ~slots, numbers + 1)

    def remove(self, slots: np.ndarray) -> None:
        """Remove keys by their distinct slots."""
        self._table.remove(slots)

    def _bring(self, hashes: np.ndarray, slots: np.ndarray, numbers: np.ndarray) -> None:
        """Move the sought keys that still sit in the old table; `slots` and `numbers` learn of it."""
        assert self._old is not None
        missing = np.flatnonzero(slots < 0)
        old_slots, old_numbers = self._old.find(hashes[missing])
        there = old_slots >= 0
        if not there.any():
            return
        missing = missing[there]
        numbers[missing] = old_numbers[there]
        slots[missing] = self._table.insert(hashes[missing], ~slots[missing], numbers[missing])[0]
        self._old.remove(np.unique(old_slots[there]))

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
        hashes = np.ascontiguousarray(entries[:, :2]).view(np.uint64)
        self._table.insert(hashes, self._table.home(hashes), entries[:, 2])
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
        self.insert(hashes[wrapped], self.home(hashes[wrapped]), numbers[wrapped] + 1)

    def find(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slots and entries; where absent, the inverted slot at which the search ended and zero."""
        words = hashes.view(np.int64)
        slots = self.home(hashes)
        if len(hashes) <= WINDOW_KEYS_MAX:
            return self._find_few(words, slots)
        hit, number = self._compare(slots, words)
        asked = np.flatnonzero(~hit & (number != 0))
        while len(asked) > WINDOW_KEYS_MAX:
            next_slots = (slots.take(asked) + 1) & (self.capacity - 1)
            slots[asked] = next_slots
            is_hit, next_number = self._compare(next_slots, words.take(asked, axis=0))
            hit[asked], number[asked] = is_hit, next_number
            asked = asked[~is_hit & (next_number != 0)]
        found = np.where(hit, slots, ~slots)
        if len(asked):
            found[asked], number[asked] = self._find_few(words.take(asked, axis=0), slots[asked] + 1)
        return found, number

    def _compare(self, slots: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether each slot holds the key, and the slot's number."""
        entries = self.slots.take(slots, axis=0)
        number = entries[:, 2].copy()
        return (entries[:, 0] == words[:, 0]) & (entries[:, 1] == words[:, 1]) & (number > 0), number

    def _find_few(self, words: np.ndarray, home: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slots = (home[:, None] + np.arange(WINDOW)) & (self.capacity - 1)
        entries = self.slots.take(slots, axis=0)
        number = entries[:, :, 2]
        hit = (entries[:, :, 0] == words[:, :1]) & (entries[:, :, 1] == words[:, 1:]) & (number > 0)
        stop = hit | (number == 0)
        rows = np.arange(len(home))
        first = stop.argmax(axis=1)
        slots, numbers = slots[rows, first], number[rows, first]
        found = np.where(hit[rows, first], slots, ~slots)
        further = np.flatnonzero(~stop[rows, first])
        if len(further):
            found[further], numbers[further] = self._find_few(words[further], home[further] + WINDOW)
        return found, numbers

    def insert(
        self, hashes: np.ndarray, slots: np.ndarray, numbers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add absent hashes, searching from `slots`: their home, or where `find` met an unused slot."""
        words = hashes.view(np.int64)
        slots = slots.copy()
        asked, shared = np.arange(len(slots)), []
        while len(asked):
            asked = asked[self._claim(slots[asked], words.take(asked, axis=0), numbers[asked])]
            taken, _ = self._compare(slots[asked], words.take(asked, axis=0))
            shared.append(asked[taken])
            asked = asked[~taken]
            slots[asked] = (slots[asked] + 1) & (self.capacity - 1)
        return slots, np.concatenate(shared) if shared else asked

    def _claim(self, slots: np.ndarray, words: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Write each free slot for one of those that want it; the indexes of those that got none."""
        order = np.argsort(slots)
        ordered = slots[order]
        held = self.slots[ordered, 2]
        won = np.append(True, ordered[1:] != ordered[:-1]) & (held <= 0)
        winners = order[won]
        entries = np.empty((len(winners), 3), dtype=np.int64)
        entries[:, :2] = words.take(winners, axis=0)
        entries[:, 2] = numbers[winners]
        self.slots[ordered[won]] = entries
        self.live += len(winners)
        self.used += int(np.count_nonzero(held[won] == 0))
        return order[~won]

    def remove(self, slots: np.ndarray) -> None:
        # A slot before a never-used one ends every probe path through it, so it can become unused again.
        ends_path = self.slots[(slots + 1) & (self.capacity - 1), 2] == 0
        self.slots[slots, 2] = np.where(ends_path, 0, -1)
        self.used -= int(np.count_nonzero(ends_path))
        self.live -= len(slots)

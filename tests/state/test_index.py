"""The hash index holds what a dictionary would, through growth, removal and keys that share a slot."""

import numpy as np
import pytest

from cauce.state.index import CAPACITY_MIN, HashIndex


def distinct_hashes(count: int, *, crowded: bool = False, seed: int = 1) -> np.ndarray:
    hashes = np.random.default_rng(seed).integers(0, 2**64, (count, 2), dtype=np.uint64)
    if crowded:  # All want one of three slots at the end of the table.
        hashes[:, 0] = (hashes[:, 0] % 3) + np.uint64(CAPACITY_MIN - 2)
    return hashes


def add(index: HashIndex, hashes: np.ndarray, numbers: np.ndarray) -> None:
    index.reserve(len(hashes))
    _, shared = index.insert(hashes, index.find(hashes)[0], numbers)
    assert len(shared) == 0


@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("keys", [100, 3000])
def test_it_agrees_with_a_dictionary(keys: int, crowded: bool) -> None:
    chance = np.random.default_rng(keys)
    pool = distinct_hashes(keys // (10 if crowded else 1), crowded=crowded)
    index, model, number = HashIndex(), {}, 0
    for _ in range(200):
        chosen = chance.integers(0, len(pool), chance.integers(1, 400))
        hashes = pool[chosen]
        slots, numbers = index.find(hashes)
        assert numbers.tolist() == [model.get(key, -1) for key in chosen.tolist()]
        if chance.random() < 0.5:
            index.remove(np.unique(slots[slots >= 0]))
            for key in chosen.tolist():
                model.pop(key, None)
        else:
            absent = np.flatnonzero(slots < 0)
            if index.reserve(len(absent)):
                slots = index.find(hashes)[0]
            numbers = np.arange(number, number + len(chosen))
            slots[absent], _ = index.insert(hashes[absent], slots[absent], numbers[absent])
            index.assign(slots, numbers)
            model |= {key: number + i for i, key in enumerate(chosen.tolist())}
            number += len(chosen)
        assert len(index) == len(model)


def test_growth_moves_every_key() -> None:
    index, batches = HashIndex(), [distinct_hashes(5_000, seed=seed) for seed in range(60)]
    for i, hashes in enumerate(batches):
        add(index, hashes, np.arange(len(hashes)) + 5_000 * i)
        sample = batches[i // 2][::7]
        assert index.find(sample)[1].tolist() == list(range(5_000 * (i // 2), 5_000 * (i // 2) + 5_000, 7))
    assert len(index) == 300_000


def test_a_built_index_finds_its_keys_and_no_others() -> None:
    hashes = distinct_hashes(100_000)
    index = HashIndex.build(hashes[:50_000], np.arange(50_000))
    assert index.find(hashes)[1].tolist() == [*range(50_000), *[-1] * 50_000]


def test_keys_that_come_and_go_do_not_make_it_grow() -> None:
    index = HashIndex()
    for seed in range(300):
        hashes = distinct_hashes(300, seed=seed)
        add(index, hashes, np.arange(300))
        index.remove(index.find(hashes)[0])
    assert len(index) == 0
    assert index.memory_bytes <= 4 * CAPACITY_MIN * 24

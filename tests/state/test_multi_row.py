"""A key of a multi-row store owns rows in the order they came, as a join's side needs them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.state.postings import Postings
from tests.state.model import rows_of, table

KEYS = pa.schema([pa.field("user", pa.string())])
VALUES = pa.schema([pa.field("click", pa.int64()), pa.field("matched", pa.bool_())])


def open_store(path: Path, reference: dict[str, Any] | None = None) -> StateStore:
    return StateStore.open(
        LocalFileSystem(), str(path), key_schema=KEYS, value_schema=VALUES,
        reference=reference, event_time="click", multi_row=True,
    )  # fmt: skip


def test_matches_come_back_key_by_key(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put(table([("ana",), ("eva",), ("ana",)], KEYS), table([(1, False), (2, False), (3, True)], VALUES))
    store.put(table([("ana",)], KEYS), table([(4, False)], VALUES))
    index, values = store.get_all(table([("eva",), ("nobody",), ("ana",), ("eva",)], KEYS))
    assert index.tolist() == [0, 2, 2, 2, 3]
    assert values["click"].to_pylist() == [2, 1, 3, 4, 2]


def test_a_match_is_noted_in_place(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put(table([("ana",)] * 3, KEYS), table([(1, False), (2, False), (3, False)], VALUES))
    ana = table([("ana",)], KEYS)
    _, positions = store.find_all(ana)
    store.replace(positions[1:2], table([(2, True)], VALUES))
    store = open_store(tmp_path, store.commit())
    assert sorted(rows_of(store.get_all(ana)[1])) == [(1, False), (2, True), (3, False)]


def test_rows_expire_one_by_one_and_a_key_with_its_last_row(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put(
        table([("ana",), ("ana",), ("eva",)], KEYS), table([(1, False), (9, False), (2, False)], VALUES)
    )
    assert sorted(store.evict(5)["user"].to_pylist()) == ["ana", "eva"]
    index, values = store.get_all(table([("ana",), ("eva",)], KEYS))
    assert index.tolist() == [0] and values["click"].to_pylist() == [9]
    assert store.remove(table([("ana",), ("ana",)], KEYS)) == 1
    assert store.num_rows == 0


def test_a_key_with_very_many_rows(tmp_path: Path) -> None:
    store, rows = open_store(tmp_path), 50_000
    for start in range(0, rows, 5_000):
        clicks = pa.array(np.arange(start, start + 5_000))
        values = pa.table([clicks, pa.repeat(pa.scalar(False), 5_000)], schema=VALUES)
        store.put(pa.table([pa.repeat(pa.scalar("ana"), 5_000)], schema=KEYS), values)
        store.commit()
    _, values = store.get_all(table([("ana",)], KEYS))
    assert values["click"].to_pylist() == list(range(rows))


def test_lists_keep_their_order_while_they_grow_and_shrink() -> None:
    chance, postings = np.random.default_rng(3), Postings()
    lists, position = {int(i): [] for i in postings.create(40)}, 0
    for _ in range(300):
        chosen = chance.integers(0, 40, 30)
        chosen = np.array([i for i in chosen if i in lists])
        postings.append(chosen, np.arange(position, position + len(chosen)))
        for i in chosen:
            lists[int(i)].append(position)
            position += 1
        shrinking = np.unique(chosen[:5])
        gone = [number for i in shrinking for number in lists[i] if chance.random() < 0.7]
        is_empty = postings.remove(shrinking, np.array(gone, dtype=np.int64))
        for i in shrinking[is_empty]:
            assert set(lists.pop(int(i))) <= set(gone)
        lists = {i: [number for number in held if number not in gone] for i, held in lists.items()}
        if len(lists) < 20:
            lists |= {int(i): [] for i in postings.create(40 - len(lists))}
        index, held = postings.read(np.array(list(lists)))
        assert held.tolist() == [number for held in lists.values() for number in held]
        assert np.bincount(index, minlength=len(lists)).tolist() == [len(held) for held in lists.values()]

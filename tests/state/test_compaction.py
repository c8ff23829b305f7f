"""Files, memory and dead rows stay bounded however long a query runs, and a batch pays for itself only."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cauce.files import LocalFileSystem
from cauce.state import StateOptions, StateStore
from cauce.testing.faulty_disk import UnsyncedDisk

KEYS = pa.schema([pa.field("key", pa.int64())])
VALUES = pa.schema([pa.field("value", pa.int64()), pa.field("at", pa.int64())])


def open_store(path: Path, reference: dict[str, Any] | None = None, **changes: Any) -> StateStore:
    return StateStore.open(
        LocalFileSystem(UnsyncedDisk()), str(path), key_schema=KEYS, value_schema=VALUES,
        reference=reference, event_time="at", **changes,
    )  # fmt: skip


def put(store: StateStore, keys: np.ndarray, at: int) -> None:
    values = [pa.array(keys * 2), pa.array(np.full(len(keys), at))]
    store.put(pa.table([pa.array(keys)], schema=KEYS), pa.table(values, schema=VALUES))


def folder_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir())


@pytest.mark.parametrize("pattern", ["the same keys", "a moving window", "random keys"])
def test_a_thousand_commits_leave_few_files_and_flat_memory(tmp_path: Path, pattern: str) -> None:
    store, chance, sizes = open_store(tmp_path), np.random.default_rng(5), []
    references: list[dict[str, Any]] = []
    for number in range(1000):
        keys = {
            "the same keys": np.arange(10),
            "a moving window": np.arange(10) + number * 5,
            "random keys": np.unique(chance.integers(0, 500, 10)),
        }[pattern]
        put(store, keys, number)
        if pattern == "a moving window":
            store.evict(number - 20)
        references = [*references, store.commit()][-10:]
        store.purge(references)
        if number % 100 == 99:
            sizes.append((len(list(tmp_path.iterdir())), store.memory_bytes, folder_bytes(tmp_path)))
    files, memory, disk = (list(column) for column in zip(*sizes, strict=True))
    assert max(files) <= 10 + 4 * 8
    assert max(memory[3:]) <= 1.5 * memory[2]
    assert max(disk[3:]) <= 2 * disk[2]


def test_dead_rows_are_cleared_from_large_segments(tmp_path: Path) -> None:
    options = StateOptions(small_segment_rows=100, rewrite_rows_min=500, rows_ratio_max=2)
    store, chance = open_store(tmp_path, options=options), np.random.default_rng(5)
    put(store, np.arange(20_000), 0)
    reference, rewritten = store.commit(), []
    for number in range(300):
        put(store, chance.choice(20_000, 500, replace=False), number)
        reference = store.commit()
        rewritten.append(store.metrics.rows_rewritten)
        store.purge([reference])
    assert max(rewritten) <= 2_000, "a batch of 500 rows must not pay for the whole state"
    live_bytes = 20_000 * 24
    assert folder_bytes(tmp_path) <= 4 * live_bytes, "twice the rows, what killed them, and the manifests"
    assert open_store(tmp_path, reference).num_rows == 20_000


def test_bytes_written_follow_the_batch_not_the_state(tmp_path: Path) -> None:
    written = []
    for keys in (1_000, 200_000):
        store = open_store(tmp_path / str(keys))
        for start in range(0, keys, 1_000):
            put(store, np.arange(start, start + 1_000), 0)
            store.commit()
        sizes = []
        for number in range(20):
            put(store, np.arange(number * 40, number * 40 + 10), 1)
            store.commit()
            sizes.append(store.metrics.bytes_written)
        written.append(np.median(sizes))
    assert written[1] <= 4 * written[0]


def test_evicting_everything_leaves_no_file(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(store, np.arange(1_000), 5)
    store.commit()
    assert store.evict(5).num_rows == 1_000
    reference = store.commit()
    store.purge([reference])
    assert reference["file"] is None and list(tmp_path.iterdir()) == []
    put(store, np.arange(3), 6)
    assert open_store(tmp_path, store.commit()).num_rows == 3


def test_beyond_the_budget_rows_are_read_from_the_files(tmp_path: Path) -> None:
    store = open_store(tmp_path, options=StateOptions(memory_budget_bytes=200_000))
    for start in range(0, 100_000, 10_000):
        put(store, np.arange(start, start + 10_000), 0)
        store.commit()
    row_bytes, index_bytes = 100_000 * 24, (1 << 19) * 24
    assert store.memory_bytes < row_bytes / 2 + index_bytes
    keys = np.array([0, 55_555, 99_999, 100_000])
    found, values = store.get(pa.table([pa.array(keys)], schema=KEYS))
    assert found.tolist() == [True, True, True, False]
    assert values["value"].to_pylist() == [0, 111_110, 199_998, None]


def test_a_commit_without_changes_writes_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert store.commit() == {"version": 1, "file": None, "crc32": 0, "rows": 0}
    put(store, np.arange(3), 0)
    reference = store.commit()
    assert store.commit() == {**reference, "version": 3}
    assert store.metrics.bytes_written == 0
    assert [file.name for file in tmp_path.iterdir()] == [reference["file"]]


def test_the_counters_are_those_of_the_last_batch(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(store, np.arange(10), 0)
    store.commit()
    put(store, np.arange(4), 9)
    store.evict(0)
    store.commit()
    assert (store.metrics.rows_updated, store.metrics.rows_removed) == (4, 6)
    assert store.metrics.bytes_written > 0 and store.metrics.commit_ms > 0
    store.commit()
    assert (store.metrics.rows_updated, store.metrics.rows_removed) == (0, 0)

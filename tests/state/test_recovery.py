"""A store that crashes, tears or loses power at any disk operation goes on from the last recorded version."""

import errno
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cauce.errors import SparkError
from cauce.files import LocalFileSystem
from cauce.state import StateOptions, StateStore
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash, UnsyncedDisk, count_operations
from tests.state.model import Model, Row, rows_of, table

KEYS = pa.schema([pa.field("user", pa.string())])
VALUES = pa.schema([pa.field("visits", pa.int64()), pa.field("at", pa.int64())])
OPTIONS = StateOptions(merge_width=2, small_segment_rows=50, rows_ratio_max=1.5, rewrite_rows_min=2)
BATCHES = 6


def open_store(path: Path, disk: FaultyDisk | None, reference: dict[str, Any] | None) -> StateStore:
    return StateStore.open(
        LocalFileSystem(disk or UnsyncedDisk()), str(path), key_schema=KEYS, value_schema=VALUES,
        reference=reference, event_time="at", options=OPTIONS,
    )  # fmt: skip


def batch(number: int) -> tuple[list[Row], list[Row], int]:
    """Keys and values to put, and the time up to which to evict."""
    users = [(f"user {i}",) for i in range(number % 3, number + 4, 2)]
    return users, [(number, number + i) for i in range(len(users))], number - 3


def expected(version: int) -> Counter[Row]:
    model = Model(2, multi_row=False)
    for number in range(version):
        users, values, threshold = batch(number)
        model.put(users, values)
        model.evict(threshold)
    return Counter(model.all())


def contents(store: StateStore) -> Counter[Row]:
    return Counter(row for piece in store.scan() for row in rows_of(piece))


def run(path: Path, disk: FaultyDisk | None, recorded: list[dict[str, Any]]) -> None:
    """The batches that are not recorded yet; `recorded` is the query's commit log."""
    store = open_store(path, disk, recorded[-1] if recorded else None)
    assert contents(store) == expected(len(recorded))
    for number in range(len(recorded), BATCHES):
        users, values, threshold = batch(number)
        store.put(table(users, KEYS), table(values, VALUES))
        store.evict(threshold)
        recorded.append(store.commit())
        store.purge(recorded[-3:])
    assert contents(store) == expected(BATCHES)


def crash_points() -> Iterator[int]:
    with tempfile.TemporaryDirectory() as folder:
        yield from range(count_operations(lambda disk: run(Path(folder) / "state", disk, [])))


CRASH_POINTS = list(crash_points())


@pytest.mark.parametrize("kind", ["crash_before", "crash_after", "torn_write"])
@pytest.mark.parametrize("power", ["kept", "lost", "lost in part"])
def test_every_crash_point_recovers(tmp_path: Path, kind: str, power: str) -> None:
    for k in CRASH_POINTS:
        path, recorded = tmp_path / f"{k}" / "state", []
        disk = FaultyDisk(**{kind: k})
        try:
            run(path, disk, recorded)
        except SimulatedCrash:
            if power != "kept":
                disk.lose_power(seed=None if power == "lost" else k)
        if len(recorded) > 1:  # The older versions are there too.
            assert contents(open_store(path, None, recorded[-2])) == expected(len(recorded) - 1)
        run(path, None, recorded)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_failed_operation_is_rolled_back_and_repeated(tmp_path: Path, error: int) -> None:
    for k in CRASH_POINTS:
        path, recorded = tmp_path / f"{k}" / "state", []
        with pytest.raises(OSError):
            run(path, FaultyDisk(fail=k, error=error), recorded)
        run(path, None, recorded)


def test_a_commit_that_failed_can_be_rolled_back_in_place(tmp_path: Path) -> None:
    disk = FaultyDisk()
    store = open_store(tmp_path / "state", disk, None)
    store.put(table([("ana",)], KEYS), table([(1, 1)], VALUES))
    first = store.commit()
    disk._fail = len(disk.operations)  # The next operation: the disk is full.
    store.put(table([("ana",), ("eva",)], KEYS), table([(2, 2), (2, 2)], VALUES))
    with pytest.raises(OSError):
        store.commit()
    store.rollback()
    assert contents(store) == Counter([("ana", 1, 1)])
    store.put(table([("eva",)], KEYS), table([(3, 3)], VALUES))
    assert store.commit()["version"] == first["version"] + 1
    assert contents(store) == Counter([("ana", 1, 1), ("eva", 3, 3)])


def test_two_attempts_of_one_version_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "state"
    first = open_store(path, None, None)
    first.put(table([("ana",)], KEYS), table([(1, 1)], VALUES))
    base = first.commit()
    zombie, winner = open_store(path, None, base), open_store(path, None, base)
    zombie.put(table([("zombie",)], KEYS), table([(2, 2)], VALUES))
    winner.put(table([("winner",)], KEYS), table([(2, 2)], VALUES))
    lost, won = zombie.commit(), winner.commit()
    assert lost["version"] == won["version"] and lost["file"] != won["file"]
    zombie.purge([base, lost])
    assert contents(open_store(path, None, won)) == Counter([("ana", 1, 1), ("winner", 2, 2)])
    assert contents(open_store(path, None, base)) == Counter([("ana", 1, 1)])


def test_the_next_run_removes_what_a_lost_attempt_left(tmp_path: Path) -> None:
    path = tmp_path / "state"
    store = open_store(path, None, None)
    store.put(table([("ana",)], KEYS), table([(1, 1)], VALUES))
    base = store.commit()
    store.put(table([("ana",)], KEYS), table([(2, 2)], VALUES))
    store.commit()  # Never recorded.
    again = open_store(path, None, base)
    again.purge([base])
    assert [file.name for file in path.iterdir()] == [base["file"]]


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    path, recorded = tmp_path / "state", []
    run(path, None, recorded)
    (path / recorded[-1]["file"]).unlink()
    with pytest.raises(SparkError, match=recorded[-1]["file"]) as caught:
        open_store(path, None, recorded[-1])
    assert caught.value.condition == "CANNOT_LOAD_STATE_STORE.MISSING_SEGMENT"

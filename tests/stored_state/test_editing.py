"""State changed by hand: the query goes on from it, all is audited, a crash leaves the old or the new."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from cauce.checkpoint import owned
from cauce.errors import ConcurrentModificationException, SparkError
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, column_parts
from cauce.streaming.stored_state import delete_row, set_row, take_back
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash, count_operations
from tests.stored_state.queries import (
    add,
    checkpoint_of,
    continue_counts,
    counted,
    counts,
    store_of,
    writer,
)


def test_the_query_goes_on_from_a_value_set_by_hand(spark: SparkSession, tmp_path: Path) -> None:
    path = continue_counts(spark, tmp_path, ["a", "b", None])
    checkpoint = checkpoint_of(path)
    set_row(checkpoint, store_of(checkpoint), {"value": "a"}, {"count": 70})
    set_row(checkpoint, store_of(checkpoint), {"value": "ñ"}, {"count": 5})
    set_row(checkpoint, store_of(checkpoint), {"value": None}, {"count": 9})
    delete_row(checkpoint, store_of(checkpoint), {"value": "b"})
    assert counted(spark, path) == {"a": 70, "ñ": 5, None: 9}
    continue_counts(spark, tmp_path, ["a", "b", "ñ"])
    assert counted(spark, path) == {"a": 71, "b": 1, "ñ": 6, None: 9}


def test_every_change_is_audited_and_can_be_taken_back(spark: SparkSession, tmp_path: Path) -> None:
    path = continue_counts(spark, tmp_path, ["a", "b"])
    checkpoint = checkpoint_of(path)
    set_row(checkpoint, store_of(checkpoint), {"value": "a"}, {"count": 70})
    delete_row(checkpoint, store_of(checkpoint), {"value": "b"})
    take_back(checkpoint)
    assert counted(spark, path) == {"a": 70, "b": 1}
    take_back(checkpoint)
    assert counted(spark, path) == {"a": 1, "b": 1}
    with pytest.raises(SparkError, match="Nothing to undo"):
        take_back(checkpoint)
    entries = checkpoint.audit.all()
    assert [entry.command for entry in entries] == ["set", "delete", "undo", "undo"]
    assert entries[0].rows == [{"key": {"value": "a"}, "old": {"count": 1}, "new": {"count": 70}}]
    assert entries[1].rows[0]["new"] is None and "@" in entries[1].who


def test_a_change_cannot_be_taken_back_after_the_query_ran_on(spark: SparkSession, tmp_path: Path) -> None:
    path = continue_counts(spark, tmp_path, ["a"])
    checkpoint = checkpoint_of(path)
    set_row(checkpoint, store_of(checkpoint), {"value": "a"}, {"count": 70})
    continue_counts(spark, tmp_path, ["a"])
    with pytest.raises(SparkError, match="the last one, and its state is as the query left it"):
        take_back(checkpoint)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ({}, {"count": 1}, "The key lacks value"),
        ({"value": "a", "other": 1}, {"count": 1}, "key has no field other"),
        ({"value": "a"}, {"total": 1}, "value has no field total; its fields are count"),
        ({"value": "a"}, {"count": "many"}, "value.count: 'many' is not a value of type int64"),
        ({"value": 1}, {"count": 1}, "key.value: 1 is not a value of type string"),
    ],
)
def test_a_wrong_key_or_value_changes_nothing(
    spark: SparkSession, tmp_path: Path, key: dict, value: dict, message: str
) -> None:
    path = continue_counts(spark, tmp_path, ["a"])
    checkpoint = checkpoint_of(path)
    with pytest.raises(SparkError, match=message):
        set_row(checkpoint, store_of(checkpoint), key, value)
    assert counted(spark, path) == {"a": 1}
    assert checkpoint.audit.all() == []


def test_a_key_that_is_not_there_cannot_be_deleted(spark: SparkSession, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(continue_counts(spark, tmp_path, ["a"]))
    with pytest.raises(SparkError, match="has no key"):
        delete_row(checkpoint, store_of(checkpoint), {"value": "z"})


def test_an_entry_of_a_map_is_found_by_both_its_keys() -> None:
    group = GroupKeys(("user", "userKey.odd"), (pa.string(), pa.bool_()))
    odd = Part("odd", pa.bool_(), Source("key", number=1))
    inner = Part("userKey", pa.struct([odd.field]), Source("struct", parts=(odd,)))
    value = pa.schema([("value.n", pa.int64())])
    layout = StoreLayout(group, value, (Part("user", pa.string(), Source("key")), inner), column_parts(value))
    keys = pa.array(
        [{"user": "ana", "userKey": {"odd": True}}], pa.struct([part.field for part in layout.key])
    )
    stored = layout.stored_keys(keys)
    assert stored.to_pylist() == [{"user": "ana", "userKey.odd": True}]


def test_a_running_query_owns_its_checkpoint(spark: SparkSession, tmp_path: Path) -> None:
    add(tmp_path / "in", "a")
    query = writer(counts(spark, tmp_path), tmp_path).start()
    with (
        pytest.raises(ConcurrentModificationException, match="in use by"),
        owned(checkpoint_of(tmp_path / "checkpoint")),
    ):
        pass
    query.stop()


@pytest.mark.parametrize("power_loss", [False, True])
def test_a_crash_leaves_the_old_state_or_the_new(
    spark: SparkSession, tmp_path: Path, power_loss: bool
) -> None:
    path = continue_counts(spark, tmp_path, ["a", "b"])
    intact = shutil.copytree(path, tmp_path / "intact")
    outcomes = []
    for k in range(count_operations(lambda disk: _set_a(_again(intact, path), disk))):
        disk = FaultyDisk(crash_before=k)
        with pytest.raises(SimulatedCrash):
            _set_a(_again(intact, path), disk)
        if power_loss:
            disk.lose_power(seed=k)
        outcomes.append(counted(spark, path))
        assert outcomes[-1] in ({"a": 1, "b": 1}, {"a": 70, "b": 1}), f"killed before operation {k}"
    assert outcomes[0] != outcomes[-1]
    continue_counts(spark, tmp_path, ["a"])
    assert counted(spark, path) == {"a": 71, "b": 1}


def _again(intact: Path, path: Path) -> Path:
    shutil.rmtree(path)
    return Path(shutil.copytree(intact, path))


def _set_a(path: Path, disk: FaultyDisk) -> None:
    checkpoint = checkpoint_of(path, disk)
    set_row(checkpoint, store_of(checkpoint), {"value": "a"}, {"count": 70})

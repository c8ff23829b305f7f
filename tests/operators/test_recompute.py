"""Partitions computed anew: what each batch tells, takes back and keeps; rows `a10` are (key, number)."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cauce.errors import IllegalStateException
from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators.changes import Changes
from cauce.streaming.operators.keys import EVENT_TIME
from cauce.streaming.operators.recompute import PARTITION, StreamingRecompute
from cauce.streaming.operators.row_sets import minus, partitioned

INPUT = pa.schema([("key", pa.string()), ("n", pa.int64()), ("partition_key", pa.string())])
OUTPUT = pa.schema([("key", pa.string()), ("top", pa.int64())])


def rows(words: str) -> pa.Table:
    parts = words.split()
    keys = [part[0] for part in parts]
    return pa.table([keys, pa.array([int(part[1:]) for part in parts], pa.int64()), keys], schema=INPUT)


def top(given: pa.Table) -> pa.Table:
    """The largest number of each partition."""
    grouped = given.group_by(["key", PARTITION], use_threads=False).aggregate([("n", "max")])
    return grouped.select(["key", "n_max", PARTITION])


@pytest.fixture
def told(tmp_path):
    """`told("b1 a3", "a1")`: what new and withdrawn rows make the operator tell and take back."""
    operator = StreamingRecompute(INPUT, ["partition_key"], None, OUTPUT)
    stores = [
        StateStore.open(
            LocalFileSystem(), str(tmp_path / name), key_schema=operator.key_schema, value_schema=schema,
            reference=None, event_time=EVENT_TIME, multi_row=True,
        )
        for name, schema in (("rows", operator.rows_schema), ("answers", operator.answers_schema))
    ]  # fmt: skip

    def run(new: str = "", withdrawn: str = "") -> tuple[str, str, str]:
        given = Changes(rows(new), rows(withdrawn))
        changes, vanished, _ = operator.update(
            given, *stores, top, late_watermark_us=None, eviction_watermark_us=None
        )
        return words(changes.new), words(changes.withdrawn), words(vanished)

    return run


def words(answers: pa.Table) -> str:
    return " ".join(sorted(f"{row['key']}{row['top']}" for row in answers.to_pylist()))


def test_only_changed_answers_are_told(told):
    assert told("a1 b5") == ("a1 b5", "", "")
    assert told("a3 b2") == ("a3", "a1", "")
    assert told() == ("", "", "")


def test_a_withdrawn_row_changes_the_answer_back(told):
    told("a1 a3 a3")
    assert told("", "a3") == ("", "", "")
    assert told("", "a3") == ("a1", "a3", "")


def test_a_row_replaced_by_an_equal_one_changes_nothing(told):
    told("a1 b2")
    assert told("a1", "a1") == ("", "", "")


def test_a_partition_without_rows_is_vanished(told):
    told("a1 b2")
    assert told("", "a1") == ("", "a1", "a1")
    assert told("a7") == ("a7", "", "")


def test_a_row_that_was_never_used_cannot_be_withdrawn(told):
    told("a1")
    with pytest.raises(IllegalStateException, match="same rows for the same rows"):
        told("", "a2")


def test_equal_rows_cancel_one_by_one():
    one, other = pa.table({"x": [1, 1, None, 2, 1]}), pa.table({"x": [1, None, 3]})
    left = one.filter(pa.array(minus(one, other)))
    assert sorted(left["x"].to_pylist()) == [1, 1, 2]
    assert minus(one, one).sum() == 0
    assert minus(one, one.slice(0, 0)).all()


def test_partitions_are_numbered_by_key():
    keys, numbers = partitioned(pa.table({"k": ["a", None, "a", "b", None]}))
    assert keys["k"].take(pa.array(numbers)).to_pylist() == ["a", None, "a", "b", None]
    assert pc.count_distinct(keys["k"], mode="all").as_py() == 3

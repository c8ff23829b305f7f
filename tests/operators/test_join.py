"""Stream-stream joins, batch by batch: rows `a10` are (key, second); a pair prints as `a10 a12`."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators import JoinType, StreamingJoin
from cauce.streaming.operators.join_condition import AllOf, TimeRange
from cauce.streaming.operators.join_input import EVENT_TIME, JoinInput
from tests.operators.conftest import SECOND_US, TIMESTAMP, timestamps

LEFT = pa.schema([("key", pa.string()), ("time", TIMESTAMP)])
RIGHT = pa.schema([("other_key", pa.string()), ("other_time", TIMESTAMP)])

WITHIN_5_S = AllOf(
    (
        TimeRange((("time", 1), ("other_time", -1)), 0, inclusive=True),
        TimeRange((("other_time", 1), ("time", -1)), -5 * SECOND_US, inclusive=True),
    )
)
"""time <= other_time <= time + 5 s"""


@dataclasses.dataclass
class Join:
    """A join with a watermark per side: the left state lasts 5 s longer than the right one."""

    operator: StreamingJoin
    open_stores: Callable[[dict[str, Any]], dict[str, StateStore]]
    stores: dict[str, StateStore]
    references: dict[str, Any]
    late_s: int | None = None

    def run(self, left: str = "", right: str = "", *, watermark_s: int | None = None) -> list[str]:
        """The rows given by one batch, sorted; the watermark rises to `watermark_s` before it."""
        eviction_s = self.late_s if watermark_s is None else watermark_s
        output, self.metrics = self.operator.process(
            rows(left, LEFT),
            rows(right, RIGHT),
            self.stores["left"],
            self.stores["right"],
            late_watermark_us=in_us(self.late_s),
            left_state_watermark_us=None if eviction_s is None else in_us(eviction_s - 5),
            right_state_watermark_us=in_us(eviction_s),
        )
        assert output.schema.equals(self.operator.output_schema)
        self.references = {name: store.commit() for name, store in self.stores.items()}
        self.late_s = eviction_s
        return sorted(" ".join(texts(row)) for row in output.to_pylist())

    def restart(self) -> None:
        """A new process: only what the commit records refer to is left."""
        for store in self.stores.values():
            store.close()
        self.stores = self.open_stores(self.references)

    @property
    def state(self) -> dict[str, list[str]]:
        """The stored rows of each side."""
        return {
            name: sorted(" ".join(texts(row)) for part in store.scan() for row in part.to_pylist())
            for name, store in self.stores.items()
        }


@pytest.fixture
def joining(tmp_path):
    """`joining("left")`: keys are equal and the right row is up to five seconds later."""

    def build(how: JoinType, condition: Any = WITHIN_5_S, **sides: JoinInput) -> Join:
        left = sides.get("left", side(LEFT, "key", "time"))
        right = sides.get("right", side(RIGHT, "other_key", "other_time"))
        output = LEFT if how in ("semi", "anti") else pa.schema([*LEFT, *RIGHT])
        operator = StreamingJoin(how, left, right, condition, output)

        def open_stores(references: dict[str, Any]) -> dict[str, StateStore]:
            return {
                name: StateStore.open(
                    LocalFileSystem(),
                    str(tmp_path / name),
                    key_schema=part.key_schema,
                    value_schema=part.value_schema,
                    reference=references.get(name),
                    event_time=EVENT_TIME,
                    multi_row=True,
                )
                for name, part in (("left", operator.left), ("right", operator.right))
            }

        return Join(operator, open_stores, open_stores({}), {})

    return build


def side(columns: pa.Schema, key: str, time: str, **more: Any) -> JoinInput:
    return JoinInput(columns, (key,), (pa.string(),), (False,), time, time, **more)


def rows(words: str, schema: pa.Schema) -> pa.Table:
    """`a10 -11`: a key or none, and a second."""
    parts = words.split()
    keys = [part[0] if part[0] != "-" else None for part in parts]
    return pa.table([pa.array(keys, pa.string()), timestamps(int(part[1:]) for part in parts)], schema=schema)


def texts(row: dict[str, Any]) -> list[str]:
    """The row's pairs of key and time; `null` for a side without a row."""
    found = []
    for key, time in (("key", "time"), ("other_key", "other_time")):
        if time in row:
            moment = row[time]
            found.append("null" if moment is None else f"{row[key] or '-'}{int(moment.timestamp())}")
    return found


def in_us(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * SECOND_US


@pytest.mark.parametrize("how", ["inner", "left", "right", "full"])
def test_rows_of_one_batch_meet_once(joining, how):
    join = joining(how)
    assert join.run("a10 a11 b10", "a12 b20") == ["a10 a12", "a11 a12"]
    assert join.run() == []


@pytest.mark.parametrize("how", ["inner", "left", "right", "full", "semi", "anti"])
@pytest.mark.parametrize("pairs_max", [1, 2, 3])
def test_candidates_are_looked_at_a_few_at_a_time(joining, monkeypatch, how, pairs_max):
    def told(join: Join) -> list[list[str]]:
        batches = [("a10 a11 b10 a40", "a12 b20"), ("a13 a14", "a12 a13 a15 b11"), ("", "a14 a15 a41")]
        return [*(join.run(*batch) for batch in batches), join.run(watermark_s=60)]

    expected = told(joining(how))
    monkeypatch.setattr("cauce.streaming.operators.join.PAIRS_MAX", pairs_max)
    assert told(joining(how)) == expected


def test_an_anti_join_gives_rows_that_found_nobody(joining):
    join = joining("anti")
    assert join.run("a10 b10 -10", "a12") == []
    join.restart()
    assert join.run("c11", "b14 c30") == []
    assert join.state["left"] == ["-10", "c11"]
    assert join.run(watermark_s=40) == ["-10", "c11"]


def test_either_side_may_come_first(joining):
    join = joining("inner")
    join.run("a10")
    join.run("", "b30")
    assert join.run("b28", "a14") == ["a10 a14", "b28 b30"]


def test_unmatched_rows_get_nulls_when_the_watermark_passes(joining):
    join = joining("full")
    assert join.run("a10 b11", "b12 c13") == ["b11 b12"]
    assert join.run(watermark_s=12) == []
    assert join.run(watermark_s=13) == ["null c13"]
    assert join.run(watermark_s=15) == ["a10 null"]
    assert join.run(watermark_s=60) == []
    assert join.state == {"left": [], "right": []}


def test_a_match_is_remembered_across_batches_and_restarts(joining):
    join = joining("left")
    join.run("a10 b10")
    join.restart()
    assert join.run("", "a12") == ["a10 a12"]
    join.restart()
    assert join.run(watermark_s=40) == ["b10 null"]


def test_late_rows_are_dropped_on_both_sides(joining):
    join = joining("full")
    join.run(watermark_s=20)
    assert join.run("a20 a21", "b19 a22") == ["a21 a22"]
    assert join.metrics.rows_dropped_by_watermark == 2


def test_a_right_row_that_is_evicted_at_once_is_not_stored(joining):
    join = joining("inner")
    join.run("a20")
    assert join.run("", "a22", watermark_s=22) == ["a20 a22"]
    assert join.state == {"left": ["a20"], "right": []}


def test_an_unmatched_right_row_that_is_evicted_at_once_is_given(joining):
    join = joining("right")
    assert join.run("", "a22", watermark_s=22) == ["null a22"]
    assert join.state == {"left": [], "right": []}


def test_a_left_row_is_given_once_by_a_semi_join(joining):
    join = joining("semi")
    assert join.run("a10 a11 b10", "a12 a13") == ["a10", "a11"]
    assert join.run("a9", "a14 b15") == ["a9", "b10"]
    assert join.state == {"left": [], "right": ["a12", "a13", "a14", "b15"]}


def test_null_keys_match_nothing(joining):
    join = joining("full")
    assert join.run("-10", "-11") == []
    assert join.run(watermark_s=40) == ["-10 null", "null -11"]


def test_null_safe_keys_match_null(joining):
    keys = {
        "left": dataclasses.replace(side(LEFT, "key", "time"), null_safe=(True,)),
        "right": dataclasses.replace(side(RIGHT, "other_key", "other_time"), null_safe=(True,)),
    }
    assert joining("inner", **keys).run("-10 a10", "-11 b11") == ["-10 -11"]


def test_a_row_without_a_time_is_never_late_and_never_leaves(joining):
    join = joining("left")
    nowhere = pa.table([["a"], pa.nulls(1, TIMESTAMP)], schema=LEFT)
    join.run(watermark_s=50)
    join.operator.process(
        nowhere, rows("", RIGHT), join.stores["left"], join.stores["right"],
        late_watermark_us=in_us(50), left_state_watermark_us=in_us(99), right_state_watermark_us=in_us(99),
    )  # fmt: skip
    assert join.stores["left"].num_rows == 1


def test_rows_that_can_match_nothing_are_given_at_once_and_not_stored(joining):
    left = pa.schema([*LEFT, ("passes", pa.bool_())])
    join = joining("left", left=side(LEFT, "key", "time", passes="passes"))
    given = rows("a10 b10", LEFT).append_column("passes", pa.array([False, None]))
    assert given.schema.names == left.names
    output, _ = join.operator.process(
        given, rows("a11", RIGHT), join.stores["left"], join.stores["right"],
        late_watermark_us=None, left_state_watermark_us=None, right_state_watermark_us=None,
    )  # fmt: skip
    assert [" ".join(texts(row)) for row in output.to_pylist()] == ["a10 null", "b10 null"]
    assert join.state == {"left": [], "right": ["a11"]}


def test_a_store_keeps_no_flag_for_a_side_that_is_never_null_extended(joining):
    assert joining("inner").operator.left.value_schema.names == ["key", "time", EVENT_TIME]
    assert joining("left").operator.right.value_schema.names == ["other_key", "other_time", EVENT_TIME]


def test_a_condition_sees_all_candidates_of_a_direction_at_once(joining):
    class Counting:
        columns = ("time", "other_time")
        calls = 0

        def holds(self, pairs: pa.Table) -> np.ndarray:
            self.calls += 1
            return np.ones(pairs.num_rows, dtype=bool)

    condition = Counting()
    join = joining("inner", condition)
    join.run("a1 b2 c3", "a4 b5 c6")
    assert condition.calls == 1
    assert join.run("a2 b3", "c9") == ["a2 a4", "b3 b5", "c3 c9"]
    assert condition.calls == 3


@pytest.mark.parametrize(
    ("how", "removed"), [("inner", 2), ("left", 1), ("right", 1), ("full", 0), ("semi", 2)]
)
def test_rows_removed_are_counted_where_spark_counts_them(joining, how, removed):
    join = joining(how)
    join.run("a10", "b10")
    join.run(watermark_s=60)
    assert join.metrics.rows_removed == removed

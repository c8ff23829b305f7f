"""applyInPandasWithState, batch by batch: state, timeouts and errors."""

import dataclasses
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructType,
    TimestampType,
)

from cauce.errors import PythonException
from cauce.state import StateStore
from cauce.streaming.operators import PandasGroupsWithState
from cauce.streaming.operators.keys import GroupKeys
from tests.operators.conftest import TIMESTAMP, timestamps

COLUMNS = pa.schema([("key", pa.string()), ("n", pa.int64()), ("time", TIMESTAMP)])
OUTPUT = StructType().add("key", StringType()).add("said", StringType())
STATE = StructType().add("total", LongType())


@dataclasses.dataclass
class Groups:
    """A function with state, and what it says in each batch."""

    operator: PandasGroupsWithState
    store: StateStore

    def run(self, words: str = "", *, now_ms: int = 0, watermark_s: int | None = None) -> list[str]:
        """Rows `a5@10` are (key, n, second); gives `key: said` in the order of the calls."""
        parts = [word.replace("@", " ").split() for word in words.split()]
        rows = pa.table(
            [
                [part[0][0] if part[0][0] != "-" else None for part in parts],
                pa.array([int(part[0][1:]) for part in parts], pa.int64()),
                timestamps(int(part[1]) if len(part) > 1 else 0 for part in parts),
            ],
            schema=COLUMNS,
        )
        watermark_ms = None if watermark_s is None else watermark_s * 1000
        output, self.metrics = self.operator.process(
            rows,
            self.store,
            timestamp_ms=now_ms,
            late_watermark_ms=watermark_ms,
            eviction_watermark_ms=watermark_ms,
        )
        self.store.commit()
        return [f"{row['key']}: {row['said']}" for row in output.to_pylist()]


@pytest.fixture
def calling(open_store):
    """`calling(function)`: the function gets (key, frame or None, state) and returns what it says."""

    def build(function: Any, timeout_conf: str = "NoTimeout") -> Groups:
        def frames(key, given, state):
            said = [str(function(key, frame if len(frame) else None, state)) for frame in given]
            yield pd.DataFrame({"key": [key[0]] * len(said), "said": said})

        return group_states(open_store, frames, timeout_conf)

    return build


def group_states(open_store, function, timeout_conf="NoTimeout", state_schema=STATE) -> Groups:
    operator = PandasGroupsWithState(
        function,
        COLUMNS,
        GroupKeys.of(COLUMNS, ["key"], None),
        state_schema=state_schema,
        schema=OUTPUT,
        timeout_conf=timeout_conf,
        event_time="time",
        time_zone="UTC",
    )
    return Groups(operator, open_store(operator))


def total(key, frame, state):
    so_far = (state.get[0] if state.exists else 0) + int(frame["n"].sum())
    state.update((so_far,))
    return so_far


def test_state_is_kept_per_group(calling):
    groups = calling(total)
    assert groups.run("a1 b2 a3 -7") == ["a: 4", "b: 2", "None: 7"]
    assert groups.run("b5 -1") == ["b: 7", "None: 8"]
    assert (groups.store.num_rows, groups.metrics.rows_updated) == (3, 2)


def test_state_may_nest(open_store):
    kinds = (
        StructType()
        .add("l", ArrayType(IntegerType()))
        .add("k", MapType(StringType(), DoubleType()))
        .add("r", StructType().add("a", IntegerType()).add("t", TimestampType()))
    )
    value = ([1, None], {"k": 1.5}, (7, datetime(2024, 2, 29, 12)))

    def remember(key, frames, state):
        said = str(state.getOption)
        state.update(value)
        yield pd.DataFrame({"key": [key[0]], "said": [said]})

    groups = group_states(open_store, remember, state_schema=kinds)
    groups.run("a1")
    (row,) = groups.run("a1")
    assert row == "a: ([1, None], {'k': 1.5}, Row(a=7, t=datetime.datetime(2024, 2, 29, 12, 0)))"


def test_removed_state_is_gone(calling):
    def forget(key, frame, state):
        before = state.getOption
        state.update((1,)) if frame["n"].iloc[0] else state.remove()
        return before

    groups = calling(forget)
    groups.run("a1")
    assert groups.run("a0") == ["a: (1,)"]
    assert (groups.store.num_rows, groups.metrics.rows_removed) == (0, 1)
    assert groups.run("a1") == ["a: None"]


def test_a_timeout_fires_only_after_its_time(calling):
    def wait(key, frame, state):
        if state.hasTimedOut:
            state.remove()
            return "timed out"
        state.setTimeoutDuration(int(frame["n"].iloc[0]))
        return "waits"

    groups = calling(wait, "ProcessingTimeTimeout")
    groups.run("a999 b1000 c1001")
    assert groups.run(now_ms=1000) == ["a: timed out"]
    assert groups.run(now_ms=1001) == ["b: timed out"]
    assert groups.store.next_expiry_us == 1_001_000


def test_a_call_that_writes_state_and_sets_no_timeout_erases_it(calling):
    def once(key, frame, state):
        if state.hasTimedOut:
            return "timed out"
        state.update((1,))
        if frame["n"].iloc[0]:
            state.setTimeoutDuration(10)
        return "seen"

    groups = calling(once, "ProcessingTimeTimeout")
    groups.run("a1 b1")
    groups.run("a0")
    assert groups.run(now_ms=50) == ["b: timed out"]


def test_a_call_that_does_nothing_leaves_state_and_timeout_as_they_were(calling):
    def once(key, frame, state):
        if not state.hasTimedOut and frame["n"].iloc[0]:
            state.setTimeoutDuration(10)
        return f"{state.hasTimedOut}"

    groups = calling(once, "ProcessingTimeTimeout")
    groups.run("a1")
    groups.run("a0")
    assert groups.run(now_ms=50) == ["a: True"]
    assert groups.run(now_ms=51) == ["a: True"]


def test_event_times_judge_late_rows_and_timeouts(calling):
    def wait(key, frame, state):
        if state.hasTimedOut:
            return f"timed out at {state.getCurrentWatermarkMs()}"
        state.setTimeoutTimestamp(15_000)
        return len(frame)

    groups = calling(wait, "EventTimeTimeout")
    assert groups.run("a1@10 a1@11", watermark_s=10) == ["a: 1"]
    assert groups.metrics.rows_dropped_by_watermark == 1
    assert groups.run(watermark_s=15) == []
    assert groups.run(watermark_s=16) == ["a: timed out at 16000"]
    with pytest.raises(PythonException, match="INVALID_TIMEOUT_TIMESTAMP"):
        groups.run("b1@20", watermark_s=16)


def test_rows_are_not_late_without_event_time_timeouts(calling):
    assert calling(total).run("a1@5", watermark_s=10) == ["a: 1"]


def test_frames_belong_to_their_group_alone(calling):
    def spoil(key, frame, state):
        frame["extra"] = 1
        frame.loc[0, "n"] = 100
        return f"{list(frame.index)} {int(frame['n'].sum())}"

    assert calling(spoil).run("a1 b2 a3") == ["a: [0, 1] 103", "b: [0] 100"]


def test_an_error_of_the_function_names_its_line(calling):
    def fails(key, frame, state):
        raise KeyError("no such thing")

    with pytest.raises(PythonException, match="no such thing"):
        calling(fails).run("a1")


def test_a_result_that_is_no_frame_is_refused(calling):
    groups = calling(total)
    groups.operator._function = lambda key, frames, state: [1]
    with pytest.raises(PythonException, match="iterator of pandas.DataFrame"):
        groups.run("a1")

"""The watermark of a query: from the events of its nodes, by policy, across restarts."""

import pyarrow as pa
import pytest

from cauce.errors import IllegalArgumentException
from cauce.streaming.watermark import EventTimeStats, WatermarkTracker

SECOND_US = 1_000_000


def seconds(*values: int | None) -> pa.Array:
    micros = [None if value is None else value * SECOND_US for value in values]
    return pa.array(micros, pa.timestamp("us", "UTC"))


def run_batch(tracker: WatermarkTracker, **events: list[int]) -> float:
    """One batch with the events of each node (`left=[1], right=[2]`); the watermark after it, in seconds."""
    tracker.begin_batch()
    for node, name in enumerate(("left", "right")):
        tracker.observe(node, seconds(*events.get(name, [])))
    return tracker.advance() / 1000


def test_the_smallest_of_two_watermarks_counts():
    tracker = WatermarkTracker([10_000, 5_000])
    batches = [
        {"left": [11]},
        {"right": [6]},
        {"right": [8]},
        {"left": [21]},
        {"right": [17, 28, 39]},
        {"left": [31]},
    ]
    assert [run_batch(tracker, **batch) for batch in batches] == [0, 1, 1, 3, 11, 21]


def test_after_a_restart_a_node_without_data_holds_the_watermark_where_it_was():
    tracker = WatermarkTracker([10_000, 10_000])
    tracker.restore(185_000)
    assert run_batch(tracker, right=[200]) == 185
    assert run_batch(tracker, left=[200]) == 190


def test_the_largest_watermark_counts_on_request():
    tracker = WatermarkTracker([10_000, 15_000], "MAX")
    assert run_batch(tracker, left=[20], right=[30]) == 15
    restarted = WatermarkTracker([10_000, 15_000], "max", tracker.watermark_ms)
    assert run_batch(restarted, left=[20]) == 15


def test_an_unknown_policy_is_refused():
    with pytest.raises(IllegalArgumentException, match="Could not recognize watermark policy 'avg'"):
        WatermarkTracker([0], "avg")


def test_it_never_falls_and_is_never_negative():
    tracker = WatermarkTracker([10_000])
    assert run_batch(tracker, left=[3]) == 0
    assert run_batch(tracker, left=[-100]) == 0
    assert run_batch(tracker, left=[50]) == 40
    assert run_batch(tracker, left=[20]) == 40
    assert run_batch(tracker) == 40


def test_a_batch_that_failed_leaves_no_trace():
    tracker = WatermarkTracker([0])
    tracker.begin_batch()
    tracker.observe(0, seconds(100))
    tracker.begin_batch()
    tracker.observe(0, seconds(7))
    assert tracker.advance() == 7_000


def test_microseconds_are_floored_to_milliseconds():
    tracker = WatermarkTracker([0])
    tracker.begin_batch()
    tracker.observe(0, pa.array([1_999_999], pa.timestamp("us", "UTC")))
    assert tracker.advance() == 1_999
    assert EventTimeStats.of(pa.array([-1], pa.timestamp("us"))).min_ms == -1


def test_statistics_as_progress_shows_them():
    tracker = WatermarkTracker([10_000])
    tracker.begin_batch()
    tracker.observe(0, seconds(10, 11, None))
    assert tracker.statistics() == {
        "avg": "1970-01-01T00:00:07.000Z",
        "max": "1970-01-01T00:00:11.000Z",
        "min": "1970-01-01T00:00:00.000Z",
    }
    tracker.begin_batch()
    tracker.observe(0, seconds())
    assert tracker.statistics() == {}


def test_the_first_node_that_saw_events_gives_the_statistics():
    tracker = WatermarkTracker([0, 0])
    tracker.begin_batch()
    tracker.observe(0, seconds())
    tracker.observe(1, seconds(5))
    tracker.observe(1, seconds(15))
    assert tracker.statistics()["avg"] == "1970-01-01T00:00:10.000Z"
    assert tracker.statistics()["max"] == "1970-01-01T00:00:15.000Z"


def test_a_query_without_watermark_has_none():
    assert not WatermarkTracker([]).is_used
    assert WatermarkTracker([]).advance() == 0

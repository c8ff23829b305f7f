"""Session windows: events of a key that follow each other within a gap are one group."""

import pyarrow as pa
import pytest

from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators import AggregateCall, StreamingSessionAggregate
from cauce.streaming.watermark import WatermarkTracker
from tests.operators.conftest import WINDOW, Stream, timestamps

SCHEMA = pa.schema([("word", pa.string()), ("session", WINDOW), ("letter", pa.string())])
CALLS = [
    AggregateCall("count", "n", pa.int64()),
    AggregateCall("collect_list", "letters", pa.list_(pa.string()), ("letter",), (pa.string(),)),
]


def sessions(starts: list[int], gap: int) -> pa.StructArray:
    ends = [start + gap for start in starts]
    return pa.StructArray.from_arrays([timestamps(starts), timestamps(ends)], fields=list(WINDOW))


@pytest.fixture
def run(tmp_path):
    """Feeds words of one batch, such as `("ab", 40)`; answers `{"ab": [(start, end, count)]}`."""

    def build(output_mode, *, gap_s=10, delay_s=0, is_watermarked=True):
        operator = StreamingSessionAggregate(
            SCHEMA, ["word", "session"], CALLS, "session", None, is_watermarked=is_watermarked
        )
        store = StateStore.open(
            LocalFileSystem(),
            str(tmp_path),
            key_schema=operator.key_schema,
            value_schema=operator.value_schema,
            reference=None,
            event_time=operator.event_time,
            multi_row=operator.multi_row,
        )
        stream = Stream(operator, store, output_mode, WatermarkTracker([delay_s * 1000]))

        def add_data(*events):
            words, seconds = [word for word, _ in events], [second for _, second in events]
            letters = [word[0] for word in words]
            batch = pa.table([words, sessions(seconds, gap_s), letters], schema=SCHEMA)
            answer: dict[str, list[tuple]] = {}
            for row in stream.add_data(batch, seconds):
                bounds = (row["session"][name].timestamp() for name in ("start", "end"))
                assert row["letters"] == [row["word"][0]] * row["n"]
                answer.setdefault(row["word"], []).append((*map(int, bounds), row["n"]))
            return {word: sorted(found) for word, found in answer.items()}

        add_data.stream = stream
        return add_data

    return build


def test_an_event_between_two_sessions_makes_them_one(run):
    add_data = run("complete", is_watermarked=False)
    assert add_data(("spark", 40)) == {"spark": [(40, 50, 1)]}
    assert add_data(("spark", 25)) == {"spark": [(25, 35, 1), (40, 50, 1)]}
    assert add_data(("spark", 30)) == {"spark": [(25, 50, 3)]}
    metrics = add_data.stream.metrics
    assert (metrics.rows_updated, metrics.rows_removed) == (1, 1)
    assert add_data.stream.state_rows == 1


def test_sessions_that_touch_are_one(run):
    add_data = run("complete", gap_s=5)
    assert add_data(("a", 10)) == {"a": [(10, 15, 1)]}
    assert add_data(("a", 15)) == {"a": [(10, 20, 2)]}
    assert add_data(("a", 21)) == {"a": [(10, 20, 2), (21, 26, 1)]}


def test_many_events_of_many_keys_in_one_batch(run):
    add_data = run("complete", gap_s=2)
    events = [(word, second) for word in ("a", "b", "c") for second in (0, 1, 2, 3, 3, 10, 11, 20)]
    expected = [(0, 5, 5), (10, 13, 2), (20, 22, 1)]
    assert add_data(*events[::-1]) == dict.fromkeys("abc", expected)
    assert add_data(("b", 5)) == {"a": expected, "b": [(0, 7, 6), *expected[1:]], "c": expected}


def test_append_gives_a_session_once_the_watermark_passes_its_end(run):
    add_data = run("append", gap_s=10, delay_s=10)
    assert add_data(("a", 10), ("a", 15), ("b", 12)) == {}
    assert add_data(("c", 35)) == {"a": [(10, 25, 2)], "b": [(12, 22, 1)]}
    assert add_data(("a", 15)) == {}
    assert add_data.stream.metrics.rows_dropped_by_watermark == 1
    assert add_data.stream.state_rows == 1


def test_a_row_is_late_by_its_own_session_even_if_a_stored_one_would_take_it(run):
    add_data = run("append", gap_s=10)
    add_data(("a", 21))
    assert add_data(("a", 11)) == {}
    assert add_data.stream.metrics.rows_dropped_by_watermark == 1
    assert add_data(("a", 12)) == {}
    assert add_data(("c", 100)) == {"a": [(12, 31, 2)]}


def test_without_watermark_nothing_is_late(run):
    add_data = run("complete", is_watermarked=False)
    add_data(("a", 100))
    assert add_data(("a", 1)) == {"a": [(1, 11, 1), (100, 110, 1)]}

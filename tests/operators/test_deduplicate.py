"""dropDuplicates with and without event time, and dropDuplicatesWithinWatermark."""

import pyarrow as pa
import pytest

from cauce.streaming.operators import StreamingDeduplicate, StreamingDeduplicateWithinWatermark
from cauce.streaming.watermark import WatermarkTracker
from tests.operators.conftest import TIMESTAMP, Stream, timestamps

SCHEMA = pa.schema([("key", pa.string()), ("time", TIMESTAMP)])


@pytest.fixture
def run(open_store):
    """Feeds batches of `a10` (key, second) or bare seconds; gives back what passed, in the same words."""

    def build(operator, delay_s=10):
        tracker = WatermarkTracker([delay_s * 1000])
        stream = Stream(operator, open_store(operator), "append", tracker)

        def add_data(*words: str | int) -> list[str]:
            texts = [str(word) for word in words]
            keys = [text[0] if text[0].isalpha() else None for text in texts]
            seconds = [int(text.lstrip("abcdefgh")) for text in texts]
            batch = pa.table([keys, timestamps(seconds)], schema=SCHEMA)
            rows = stream.add_data(batch, seconds)
            return [(row["key"] or "") + str(int(row["time"].timestamp())) for row in rows]

        add_data.stream = stream
        return add_data

    return build


def within_watermark(keys, delay_s):
    return StreamingDeduplicateWithinWatermark(SCHEMA, keys, "time", delay_s * 1000, None)


def test_within_watermark_forgets_a_row_after_the_delay(run):
    add_data = run(within_watermark(["key", "time"], 10))
    assert add_data(*[second for second in range(10, 16) for _ in range(5)]) == [
        "10", "11", "12", "13", "14", "15",
    ]  # fmt: skip
    assert add_data(*range(13, 18)) == ["16", "17"]
    assert add_data(5) == []
    assert add_data.stream.metrics.rows_dropped_by_watermark == 1
    assert add_data(35) == ["35"]
    assert add_data.stream.state_rows == 3


def test_within_watermark_by_key_counts_from_the_first_row(run):
    add_data = run(within_watermark(["key"], 2), delay_s=2)
    assert add_data("a17") == ["a17"]
    assert add_data("a16") == []
    assert add_data("a13") == []
    assert add_data("b22", "c21") == ["b22", "c21"]
    assert add_data("a21") == ["a21"]


def test_event_time_in_the_key_bounds_the_state(run):
    add_data = run(StreamingDeduplicate(SCHEMA, ["key", "time"], "time", None))
    assert add_data("a10", "a10", "b15") == ["a10", "b15"]
    assert add_data("a10", "c30") == ["c30"]
    assert add_data("a10", "d31") == ["d31"]
    assert add_data.stream.metrics.rows_dropped_by_watermark == 1
    assert add_data.stream.state_rows == 2


def test_without_event_time_in_the_key_nothing_is_forgotten(run):
    add_data = run(StreamingDeduplicate(SCHEMA, ["key"], "time", None))
    assert [add_data("a10"), add_data("a100"), add_data("a1000")] == [["a10"], [], []]
    assert add_data.stream.state_rows == 1


def test_without_watermark_no_row_is_late(run):
    add_data = run(StreamingDeduplicate(SCHEMA, ["key"], None, None))
    assert add_data("a100") == ["a100"]
    assert add_data("b1", "b2", "a3") == ["b1"]
    assert add_data.stream.metrics.custom == {"numDroppedDuplicateRows": 2}


def test_nulls_nan_and_signed_zeros_are_equal_to_themselves(open_store):
    schema = pa.schema([("x", pa.float64())])
    operator = StreamingDeduplicate(schema, ["x"], None, None)
    store = open_store(operator)
    passed = []
    for values in ([0.0, float("nan"), None, -0.0], [-0.0, float("nan"), None, 1.0]):
        batch = pa.table([pa.array(values, pa.float64())], schema=schema)
        rows, _ = operator.process(
            batch, store, late_watermark_us=None, eviction_watermark_us=None, output_mode="append"
        )
        passed.append(str(rows["x"].to_pylist()))
    assert passed == ["[0.0, nan, None]", "[1.0]"]

"""The rate-micro-batch source gives the same batches whenever it runs."""

import pytest

from cauce.errors import IllegalArgumentException, SparkRuntimeException
from cauce.streaming.sources import ReadLimit, SourceOptions
from cauce.streaming.sources.rate_micro_batch import RateMicroBatchOffset, RateMicroBatchSource


def start_source(context, **options):
    options = {"rowsPerBatch": "3", **options}
    return RateMicroBatchSource(SourceOptions("rate-micro-batch", options=options), context)


def next_batch(source, start):
    end = source.latest_offset(start, source.default_limit())
    return end, source.read(start, end)


def test_every_batch_has_its_rows_and_its_own_timestamp(context):
    source = start_source(context, startTimestamp="1000", advanceMillisPerBatch="50")
    first, rows = next_batch(source, source.initial_offset())
    assert rows["value"].to_pylist() == [0, 1, 2]
    assert [moment.timestamp() for moment in rows["timestamp"].to_pylist()] == [1.0, 1.0, 1.0]
    _, rows = next_batch(source, first)
    assert rows["value"].to_pylist() == [3, 4, 5]
    assert [moment.timestamp() for moment in rows["timestamp"].to_pylist()] == [1.05, 1.05, 1.05]


def test_offsets_are_written_as_spark_writes_them(context):
    source = start_source(context, startTimestamp="7")
    text = source.offset_json(RateMicroBatchOffset(3, 1007))
    assert text == '{"offset":3,"timestamp":1007}'
    assert source.parse_offset(text) == RateMicroBatchOffset(3, 1007)


def test_available_now_is_one_batch(context):
    source = start_source(context)
    source.prepare_for_trigger_available_now()
    end = source.latest_offset(source.initial_offset(), ReadLimit())
    assert source.latest_offset(end, ReadLimit()) == end == RateMicroBatchOffset(3, 1000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rowsPerBatch": "0"}, "Invalid value '0'. The option 'rowsPerBatch' must be positive"),
        ({"numPartitions": "0"}, "Invalid value '0'. The option 'numPartitions' must be positive"),
        ({"startTimestamp": "-1"}, "Invalid value '-1'. The option 'startTimestamp' must be non-negative"),
        (
            {"advanceMillisPerBatch": "-1"},
            "Invalid value '-1'. The option 'advanceMillisPerBatch' must be non-negative",
        ),
    ],
)
def test_options_are_refused_in_sparks_words(context, options, message):
    with pytest.raises(IllegalArgumentException) as refused:
        start_source(context, **options)
    assert str(refused.value) == message


def test_a_batch_that_would_go_back_in_time_is_refused(context):
    source = start_source(context)
    with pytest.raises(SparkRuntimeException) as refused:
        source.read(RateMicroBatchOffset(0, 5000), RateMicroBatchOffset(3, 1000))
    assert refused.value.condition == "MALFORMED_STATE_IN_RATE_PER_MICRO_BATCH_SOURCE.INVALID_TIMESTAMP"

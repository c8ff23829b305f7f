"""The rate source gives Spark's values and timestamps for given offsets."""

from datetime import UTC, datetime

import pytest

from cauce.errors import IllegalArgumentException, SparkError, SparkRuntimeException
from cauce.streaming.sources import ReadLimit, SourceOptions
from cauce.streaming.sources.rate import RateSource, value_at_second

ALL = ReadLimit()
START_MS = 1_700_000_000_250


def start_source(context, **options):
    return RateSource(SourceOptions("rate", options=options), context)


def seconds_after_start(table):
    return [moment.timestamp() - START_MS / 1000 for moment in table["timestamp"].to_pylist()]


def test_values_grow_by_the_rate_and_are_spread_over_each_second(context, clock):
    source = start_source(context, rowsPerSecond="4")
    clock.advance_ms(2_999)
    assert source.latest_offset(0, ALL) == 2
    rows = source.read(0, 2)
    assert rows["value"].to_pylist() == list(range(8))
    assert rows["timestamp"][0].as_py() == datetime.fromtimestamp(START_MS / 1000, UTC)
    assert seconds_after_start(rows) == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75])


def test_a_row_keeps_its_value_and_almost_its_time_however_batches_are_cut(context):
    source = start_source(context, rowsPerSecond="3")
    whole = source.read(0, 4).to_pylist()
    parts = source.read(0, 1).to_pylist() + source.read(1, 4).to_pylist()
    assert parts == whole


def test_timestamps_round_half_up_to_milliseconds(context):
    source = start_source(context, rowsPerSecond="16")  # 62.5 ms between rows
    assert seconds_after_start(source.read(0, 1))[:4] == pytest.approx([0, 0.063, 0.125, 0.188])


@pytest.mark.parametrize(
    ("ramp_up_s", "expected"),
    [(4, [0, 2, 6, 12, 20, 30, 40]), (5, [0, 1, 3, 6, 10, 15, 25]), (0, [0, 10, 20, 30, 40, 50, 60])],
)
def test_the_speed_ramps_up_in_whole_rows_per_second(ramp_up_s, expected):
    assert [value_at_second(second, 10, ramp_up_s) for second in range(7)] == expected


def test_rows_while_ramping_up(context):
    source = start_source(context, rowsPerSecond="10", rampUpTime="4s")
    assert source.read(1, 2)["value"].to_pylist() == [2, 3, 4, 5]
    assert source.read(0, 0).num_rows == 0


def test_offsets_go_on_from_the_first_start_after_a_restart(context, clock):
    start_source(context)
    clock.advance_ms(5_000)
    assert start_source(context).latest_offset(0, ALL) == 5


def test_the_start_time_is_logged_as_spark_does(context):
    start_source(context)
    assert context.file_system.read_bytes(f"{context.metadata_path}/0") == b"v1\n1700000000250"


def test_a_clock_that_goes_back_does_not_take_offsets_back(context, clock):
    source = start_source(context)
    clock.advance_ms(3_000)
    assert source.latest_offset(0, ALL) == 3
    clock.advance_ms(-2_000)
    assert source.latest_offset(0, ALL) == 3


def test_available_now_freezes_the_end(context, clock):
    source = start_source(context)
    clock.advance_ms(2_000)
    source.prepare_for_trigger_available_now()
    clock.advance_ms(5_000)
    assert source.latest_offset(0, ALL) == 2


def test_description_is_sparks(context):
    assert start_source(context, rowsPerSecond="5", rampUpTime="2m").description() == (
        "RateStreamV2[rowsPerSecond=5, rampUpTimeSeconds=120, numPartitions=default"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rowsPerSecond": "0"}, "Invalid value '0'. The option 'rowsPerSecond' must be positive"),
        ({"rampUpTime": "-1s"}, "Invalid value '-1'. The option 'rampUpTime' must not be negative"),
        ({"numPartitions": "-1"}, "Invalid value '-1'. The option 'numPartitions' must be positive"),
        ({"rowsPerSecond": "many"}, 'For input string: "many"'),
    ],
)
def test_options_are_refused_in_sparks_words(context, options, message):
    with pytest.raises(IllegalArgumentException) as refused:
        RateSource.describe_schema(SourceOptions("rate", options=options), context)
    assert str(refused.value) == message


def test_offsets_that_would_overflow_are_refused(context):
    source = start_source(context, rowsPerSecond=str(2**62))
    with pytest.raises(SparkError, match="Max offset with .* rowsPerSecond is 1, but it's 2 now"):
        source.read(0, 2)
    with pytest.raises(SparkRuntimeException) as refused:
        start_source(context, rowsPerSecond=str(2**62), rampUpTime="5s")
    assert refused.value.condition == "INCORRECT_RAMP_UP_RATE"

"""Users' tests of their queries: what passes, what fails, and what a failure says."""

import datetime
import re

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.errors import AnalysisException, StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cauce.testing import STEPS, MemoryStream, StreamTest

EVENT = "word STRING, ts TIMESTAMP"


def windowed(events: DataFrame) -> DataFrame:
    windows = events.withWatermark("ts", "10 seconds").groupBy(F.window("ts", "5 seconds"), "word")
    return windows.count().select("window.start", "word", "count")


def test_rows_of_any_kind_are_added_and_compared(stream_test: StreamTest, spark: SparkSession) -> None:
    events = stream_test.memory_stream("id INT, day DATE, at STRUCT<ts: TIMESTAMP>, tags MAP<STRING, DOUBLE>")
    stream_test.start_stream(events.to_df())
    day, at = datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
    events.add_data((1, day, (at,), {"a": float("nan")}), {"id": 2, "day": "2024-02-29"})
    events.add_data([(3, None, ("2024-02-29T13:00:00+01:00",), {})])
    stream_test.check_answer(
        {"id": 3, "at": {"ts": at}, "tags": {}},
        (1, "2024-02-29", ("2024-02-29T12:00Z",), {"a": float("nan")}),
        (2, day, None, None),
    )
    numbers = stream_test.memory_stream("n LONG")
    for rows in (pa.table({"n": [1]}), pd.DataFrame({"n": [2]}), spark.range(3, 4).toDF("n"), [4, 5]):
        numbers.add_data(rows)
    stream_test.stop_stream()
    with StreamTest(spark) as other:
        other.start_stream(numbers.to_df())
        other.check_answer(1, 2, 3, 4, 5)
        other.check_answer(spark.range(1, 6).toDF("n"))


def test_a_wrong_answer_shows_the_rows_that_differ(stream_test: StreamTest) -> None:
    events = stream_test.memory_stream(EVENT)
    stream_test.start_stream(windowed(events.to_df()), output_mode="update")
    events.add_data(("a", "2024-01-01 00:00:01"), ("a", "2024-01-01 00:00:02"), ("b", "2024-01-01 00:00:02"))
    with pytest.raises(AssertionError) as failure:
        stream_test.check_answer(("2024-01-01 00:00:00", "a", 1), ("2024-01-01 00:00:00", "b", 1))
    assert str(failure.value).splitlines() == [
        "the whole answer is not what was expected (after batch 1, watermark 2023-12-31T23:59:52.000Z):",
        "- missing     (start='2024-01-01 00:00:00', word='a', count=1)",
        "+ unexpected  (start='2024-01-01 00:00:00', word='a', count=2)",
    ]


def test_a_row_of_the_wrong_shape_is_refused(stream_test: StreamTest) -> None:
    events = stream_test.memory_stream(EVENT)
    with pytest.raises(ValueError, match="3 values for the columns struct<word:string,ts:timestamp>"):
        events.add_data(("a", None, 3))
    with pytest.raises(ValueError, match="no column wrod"):
        events.add_data({"wrod": "a"})


def test_answers_by_batch_and_mode(stream_test: StreamTest) -> None:
    words = stream_test.memory_stream("word STRING")
    stream_test.start_stream(words.to_df().groupBy("word").count(), output_mode="complete")
    stream_test.add_data(words, "a", "b", "a")
    stream_test.check_new_answer(("a", 2), ("b", 1))
    words.add_data("b")
    stream_test.check_last_batch(("a", 2), ("b", 2))
    stream_test.check_answer(("a", 2), ("b", 2))
    stream_test.check_new_answer()
    assert stream_test.answer.num_rows == 2
    assert stream_test.last_progress["numInputRows"] == 1


def test_state_rows_are_counted_since_the_last_check(stream_test: StreamTest) -> None:
    events = stream_test.memory_stream(EVENT)
    stream_test.start_stream(windowed(events.to_df()))
    events.add_data(("a", "2024-01-01 00:00:01"), ("a", "2024-01-01 00:00:21"))
    stream_test.check_state_rows(1, updated=2, dropped=0)
    events.add_data(("late", "2024-01-01 00:00:02"))
    stream_test.check_state_rows(1, updated=0, dropped=1)
    with pytest.raises(AssertionError, match="expected {'total': 7}, found {'total': 1, "):
        stream_test.check_state_rows(7)


def test_state_is_shown_in_the_words_of_the_query(stream_test: StreamTest) -> None:
    events = stream_test.memory_stream(EVENT)
    stream_test.start_stream(windowed(events.to_df()))
    events.add_data(("a", "2024-01-01 00:00:01"))
    window = ("2024-01-01 00:00:00", "2024-01-01 00:00:05")
    stream_test.check_state(((window, "a"), (1,)))
    with pytest.raises(AssertionError, match=r"(?s)- missing .*word='b'.*\+ unexpected .*word='a'"):
        stream_test.check_state(((window, "b"), (1,)))
    assert stream_test.state().columns == ["key", "value", "partition_id"]


@pytest.mark.parametrize("power_loss", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_query_killed_at_any_step_goes_on(stream_test: StreamTest, step: str, power_loss: bool) -> None:
    events = stream_test.memory_stream(EVENT)
    stream_test.start_stream(windowed(events.to_df()))
    events.add_data(("a", "2024-01-01 00:00:01"))
    stream_test.check_answer()
    events.add_data(("a", "2024-01-01 00:00:02"))
    stream_test.crash(step, power_loss=power_loss)
    stream_test.start_stream()
    events.add_data(("b", "2024-01-01 00:00:30"))
    stream_test.check_answer(("2024-01-01 00:00:00", "a", 2))


def test_a_step_that_no_batch_reaches_is_said(stream_test: StreamTest) -> None:
    stream_test.start_stream(stream_test.memory_stream(EVENT).to_df())
    with pytest.raises(AssertionError, match="no batch came to the step 'after sink': add data first"):
        stream_test.crash("after sink")


def test_a_query_that_is_not_running_is_said(stream_test: StreamTest) -> None:
    with pytest.raises(AssertionError, match=re.escape("no stream is running: start_stream() starts it")):
        stream_test.check_answer()
    with pytest.raises(AssertionError, match="which query"):
        stream_test.start_stream()
    stream_test.start_stream(stream_test.memory_stream(EVENT).to_df())
    with pytest.raises(AssertionError, match="the stream is running"):
        stream_test.start_stream()


def test_the_clock_is_the_querys_time(stream_test: StreamTest) -> None:
    numbers = stream_test.memory_stream("n INT")
    stream_test.advance_clock("1 hour")
    stream_test.start_stream(numbers.to_df().select(F.unix_timestamp(F.current_timestamp()).alias("now")))
    numbers.add_data(1)
    stream_test.check_new_answer(3600)
    stream_test.advance_clock("90 seconds")
    numbers.add_data(1)
    stream_test.check_new_answer(3690)


def test_what_start_refuses_is_refused_with_the_error_of_the_client(stream_test: StreamTest) -> None:
    events = stream_test.memory_stream(EVENT)
    with pytest.raises(AnalysisException, match="STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION"):
        stream_test.start_stream(events.to_df().groupBy("word").count())
    stream_test.start_stream(events.to_df().groupBy("word").count(), output_mode="update")


def test_a_batch_that_fails_ends_the_run_with_the_error_of_the_client(stream_test: StreamTest) -> None:
    numbers = stream_test.memory_stream("n INT")
    stream_test.start_stream(numbers.to_df().selectExpr("1 / n"))
    numbers.add_data(0)
    with pytest.raises(StreamingQueryException, match="DIVIDE_BY_ZERO"):
        stream_test.check_answer()
    stream_test.start_stream()
    with pytest.raises(AssertionError, match="expected CAST_OVERFLOW, found .*DIVIDE_BY_ZERO"):
        stream_test.expect_failure("CAST_OVERFLOW")
    stream_test.start_stream()
    assert isinstance(stream_test.expect_failure("DIVIDE_BY_ZERO"), StreamingQueryException)
    with pytest.raises(AssertionError, match="no stream is running"):
        stream_test.expect_failure()


def test_a_writer_keeps_its_own_sink(stream_test: StreamTest, spark: SparkSession, tmp_path) -> None:
    numbers = stream_test.memory_stream("n INT")
    stream_test.start_stream(
        numbers.to_df().writeStream.format("parquet").option("path", str(tmp_path / "out"))
    )
    numbers.add_data(1, 2)
    stream_test.crash("after sink", power_loss=True)
    stream_test.start_stream()
    numbers.add_data(3)
    stream_test.check_answer(1, 2, 3)
    assert sorted(row.n for row in spark.read.parquet(str(tmp_path / "out")).collect()) == [1, 2, 3]


def test_event_time_passes_without_data_after_a_restart_too(stream_test: StreamTest) -> None:
    events = stream_test.memory_stream(EVENT)
    stream_test.start_stream(windowed(events.to_df()))
    events.add_data(("a", "2024-01-01 00:00:01"))
    stream_test.check_answer()
    stream_test.stop_stream()
    stream_test.start_stream()
    stream_test.advance_watermark("2024-01-01 00:00:05")
    stream_test.check_answer(("2024-01-01 00:00:00", "a", 1))
    stream_test.check_watermark("2024-01-01 00:00:05")


def test_a_table_is_joined(stream_test: StreamTest, spark: SparkSession) -> None:
    names = spark.createDataFrame([(1, "one"), (2, "two")], "n INT, name STRING")
    numbers = stream_test.memory_stream("n INT")
    stream_test.start_stream(numbers.to_df().join(names, "n", "left"))
    numbers.add_data(1, 3)
    stream_test.crash("after sink")
    stream_test.start_stream()
    stream_test.check_answer((1, "one"), (3, None))


def test_two_tests_at_once_do_not_meet(spark: SparkSession) -> None:
    with StreamTest(spark) as one, StreamTest(spark) as two:
        for test in (one, two):
            numbers = test.memory_stream("n INT")
            test.start_stream(numbers.to_df())
            numbers.add_data(1)
        one.check_answer(1)
        two.check_answer(1)


def test_a_stream_can_do_without_a_test(spark: SparkSession) -> None:
    stream = MemoryStream(spark, "n INT")
    stream.add_data(1, 2)
    query = stream.to_df().writeStream.format("memory").queryName("numbers").start()
    query.processAllAvailable()
    assert [row.n for row in spark.table("numbers").collect()] == [1, 2]
    query.stop()
    stream.close()

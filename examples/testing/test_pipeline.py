"""The pipeline's tests, to copy from: `pip install cauce pytest`, then `pytest`."""

from pathlib import Path

import pytest
from pipeline import VISIT, archive, careless_archive, first_visits, gone_visitors, visits_per_minute
from pyspark.sql import SparkSession

from cauce.testing import Inputs, StreamTest, assert_exactly_once

VISITS = Inputs(
    VISIT,
    [
        [("home", "ana", "2024-01-01 10:00:05"), ("home", "bo", "2024-01-01 10:00:40")],
        [("news", "ana", "2024-01-01 10:02:10"), ("home", "cy", "2024-01-01 10:00:59")],
    ],
)


def test_a_minute_leaves_when_the_watermark_has_passed_it(stream_test: StreamTest) -> None:
    visits = stream_test.memory_stream(VISIT)
    stream_test.start_stream(visits_per_minute(visits.to_df()))
    visits.add_data(("home", "ana", "2024-01-01 10:00:05"), ("home", "bo", "2024-01-01 10:00:40"))
    stream_test.check_new_answer()
    stream_test.check_watermark("2024-01-01 09:59:40")
    stream_test.check_state_rows(1)

    visits.add_data(("news", "ana", "2024-01-01 10:02:10"))
    stream_test.check_new_answer(("2024-01-01 10:00:00", "home", 2))


def test_a_late_visit_is_dropped(stream_test: StreamTest) -> None:
    visits = stream_test.memory_stream(VISIT)
    stream_test.start_stream(visits_per_minute(visits.to_df()))
    visits.add_data(("home", "ana", "2024-01-01 10:05:00"))
    stream_test.process_all_available()
    visits.add_data(("home", "bo", "2024-01-01 10:00:00"))
    stream_test.check_state_rows(1, dropped=1)


def test_time_passes_without_data(stream_test: StreamTest) -> None:
    visits = stream_test.memory_stream(VISIT)
    stream_test.start_stream(visits_per_minute(visits.to_df()))
    visits.add_data(("home", "ana", "2024-01-01 10:00:05"))
    stream_test.check_answer()
    stream_test.advance_watermark("2024-01-01 10:01:00")
    stream_test.check_answer(("2024-01-01 10:00:00", "home", 1))


def test_a_restart_remembers_who_was_there(stream_test: StreamTest) -> None:
    visits = stream_test.memory_stream(VISIT)
    stream_test.start_stream(first_visits(visits.to_df()))
    visits.add_data(("home", "ana", "2024-01-01 10:00:00"))
    stream_test.check_new_answer(("home", "ana", "2024-01-01 10:00:00"))
    stream_test.stop_stream()

    visits.add_data(("news", "ana", "2024-01-01 10:01:00"), ("news", "bo", "2024-01-01 10:01:00"))
    stream_test.start_stream()
    stream_test.check_new_answer(("news", "bo", "2024-01-01 10:01:00"))


@pytest.mark.parametrize("step", ["after offsets", "before sink", "after sink", "after commit"])
def test_a_crash_forgets_nobody(stream_test: StreamTest, step: str) -> None:
    visits = stream_test.memory_stream(VISIT)
    stream_test.start_stream(first_visits(visits.to_df()))
    visits.add_data(("home", "ana", "2024-01-01 10:00:00"))
    stream_test.crash(step, power_loss=True)
    stream_test.start_stream()
    visits.add_data(("news", "ana", "2024-01-01 10:01:00"))
    stream_test.check_answer(("home", "ana", "2024-01-01 10:00:00"))


def test_half_an_hour_goes_by_in_no_time(stream_test: StreamTest) -> None:
    visits = stream_test.memory_stream(VISIT)
    stream_test.start_stream(gone_visitors(visits.to_df()))
    visits.add_data(("home", "ana", "2024-01-01 10:00:00"), ("news", "ana", "2024-01-01 10:00:01"))
    stream_test.check_answer()
    stream_test.check_state((("ana",), ((2,), 30 * 60 * 1000)))  # the state and when it times out
    stream_test.advance_clock("31 minutes")
    stream_test.check_answer(("ana", 2))
    stream_test.check_state_rows(0)


def test_a_failing_batch_says_why(stream_test: StreamTest) -> None:
    numbers = stream_test.memory_stream("n INT")
    stream_test.start_stream(numbers.to_df().selectExpr("1 / n AS inverse"))
    numbers.add_data(4, 0)
    stream_test.expect_failure("DIVIDE_BY_ZERO")


def test_counts_are_exact_whatever_moment_the_process_dies(spark: SparkSession) -> None:
    assert_exactly_once(visits_per_minute, VISITS, spark=spark)


def test_the_archive_is_idempotent(spark: SparkSession) -> None:
    def saved(folder: Path) -> object:
        return spark.read.schema(VISIT).parquet(f"{folder}/archive/*")

    assert_exactly_once(
        lambda visits, folder: archive(visits, f"{folder}/archive"), VISITS, answer=saved, spark=spark
    )


def test_the_careless_archive_is_found_out(spark: SparkSession) -> None:
    def saved(folder: Path) -> object:
        return spark.read.schema(VISIT).parquet(f"{folder}/archive")

    with pytest.raises(AssertionError, match="right before commits/0 is written .the sink has batch 0"):
        assert_exactly_once(
            lambda visits, folder: careless_archive(visits, f"{folder}/archive"),
            VISITS,
            answer=saved,
            spark=spark,
        )

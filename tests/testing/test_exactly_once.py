"""assert_exactly_once passes on what is exact, and says when and which rows are not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout

from cauce.testing import Inputs, assert_exactly_once

WORDS = Inputs(
    "word STRING, ts TIMESTAMP",
    [
        [("a", "2024-01-01 00:00:01"), ("b", "2024-01-01 00:00:02")],
        [("a", "2024-01-01 00:00:21")],
        [("a", "2024-01-01 00:00:01"), ("a", "2024-01-01 00:00:51")],
    ],
)
SHORT = Inputs(WORDS.schema, WORDS.batches[:2])


def windowed(words: DataFrame) -> DataFrame:
    return words.withWatermark("ts", "10 seconds").groupBy(F.window("ts", "5 seconds"), "word").count()


def test_windows_with_late_rows(spark: SparkSession) -> None:
    report = assert_exactly_once(windowed, WORDS, spark=spark)
    assert report.rows == 3
    assert "right before commits/2 is written (the sink has batch 2)" in report.crash_points
    assert "right after state/0 of batch 0 was written with power loss" in report.crash_points


@pytest.mark.parametrize("output_mode", ["update", "complete"])
def test_counts_in_other_modes(spark: SparkSession, output_mode: str) -> None:
    assert_exactly_once(
        lambda words: words.groupBy("word").count(), SHORT, output_mode=output_mode, spark=spark
    )


def test_a_join_of_two_streams(spark: SparkSession) -> None:
    def joined(left: DataFrame, right: DataFrame) -> DataFrame:
        left, right = (side.withWatermark("ts", "5 seconds") for side in (left, right))
        later = right.select(F.col("word").alias("again"), F.col("ts").alias("at"))
        near = F.expr("word = again AND at BETWEEN ts AND ts + INTERVAL 5 SECONDS")
        return left.join(later, near, "left_outer")

    assert_exactly_once(joined, SHORT, Inputs(WORDS.schema, [[("a", "2024-01-01 00:00:03")]]), spark=spark)


def test_a_file_sink(spark: SparkSession) -> None:
    report = assert_exactly_once(lambda words: words.writeStream.format("json"), SHORT, spark=spark)
    assert "halfway through writing the sink's files of batch 1" in report.crash_points


def appended(words: DataFrame, folder: Path) -> DataStreamWriter:
    def append(batch: DataFrame, batch_id: int) -> None:
        with open(folder / "log", "a") as log:
            log.writelines(json.dumps(row.asDict(), default=str) + "\n" for row in batch.collect())

    return words.writeStream.foreachBatch(append)


def test_a_foreach_batch_that_repeats_rows_is_found_out(spark: SparkSession) -> None:
    def lines(folder: Path) -> list[dict]:
        return [json.loads(line) for line in (folder / "log").read_text().splitlines()]

    with pytest.raises(AssertionError) as failure:
        assert_exactly_once(appended, SHORT, answer=lines, spark=spark)
    text = str(failure.value)
    assert text.startswith("not exactly once in 4 of ")
    assert "killed right before commits/0 is written (the sink has batch 0):" in text
    assert "+ unexpected  (word='a', ts='2024-01-01 00:00:21')" in text


def test_a_foreach_batch_that_forgets_rows_is_found_out(spark: SparkSession) -> None:
    def once(words: DataFrame, folder: Path) -> DataStreamWriter:
        def remember(batch: DataFrame, batch_id: int) -> None:
            if not (folder / f"{batch_id}.seen").exists() and batch_id != 1:
                (folder / str(batch_id)).write_text(str(batch.count()))
            (folder / f"{batch_id}.seen").touch()
            if (folder / f"{batch_id}.seen").exists() and batch_id == 1:
                (folder / "1").write_text("x" if (folder / "1").exists() else "1")

        return words.writeStream.foreachBatch(remember)

    def read(folder: Path) -> list[tuple[str, str]]:
        return [(path.name, path.read_text()) for path in folder.glob("[0-9]")]

    with pytest.raises(AssertionError, match=r"- missing     \(_1='1', _2='1'\)"):
        assert_exactly_once(once, SHORT, answer=read, spark=spark)


def test_a_query_with_a_sink_of_its_own_needs_to_say_how_to_read_it(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="answer= must say how to read"):
        assert_exactly_once(lambda words: words.writeStream.foreach(print), SHORT, spark=spark)
    with pytest.raises(ValueError, match="which rows"):
        assert_exactly_once(windowed, spark=spark)


def test_every_operation_of_a_query_with_timeouts(spark: SparkSession) -> None:
    def count(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
        total = state.get[0] if state.exists else 0
        if state.hasTimedOut:
            state.remove()
            yield pd.DataFrame({"word": [key[0]], "total": [total]})
            return
        state.update((total + sum(map(len, frames)),))
        state.setTimeoutDuration(500)

    def counted(words: DataFrame) -> DataFrame:
        return words.groupBy("word").applyInPandasWithState(
            count, "word STRING, total LONG", "total LONG", "append", GroupStateTimeout.ProcessingTimeTimeout
        )

    few = Inputs("word STRING", [["a"], ["b"]])
    report = assert_exactly_once(counted, few, every="operation", spark=spark)
    assert report.rows == 1

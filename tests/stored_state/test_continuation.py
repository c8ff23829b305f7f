"""What a changed query would find in a checkpoint, before it is started."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cauce.streaming.continuation import CHECK_ONLY, Finding, checked
from tests.stored_state.queries import add, continue_counts, counted, writer

Build = Callable[[DataFrame], DataFrame]


def findings(spark: SparkSession, folder: Path, build: Build) -> list[Finding]:
    """What starting this query on the folder's checkpoint is said to do."""
    spark.conf.set(CHECK_ONLY, str(folder / "checkpoint"))
    checked.clear()
    values = spark.readStream.schema("value string").option("maxFilesPerTrigger", 1).json(str(folder / "in"))
    query = writer(build(values), folder).start()
    assert query.awaitTermination(0.1) and not query.isActive and query.exception() is None
    return list(checked)


def counts(values: DataFrame) -> DataFrame:
    return values.groupBy("value").agg(F.count("*"))


def rate(values: DataFrame) -> DataFrame:
    numbers = values.sparkSession.readStream.format("rate").load()
    return counts(numbers.selectExpr("string(value) AS value"))


@pytest.mark.parametrize(
    ("build", "about", "seen"),
    [
        (lambda values: values.groupBy(F.length("value")).count(), "state", "was string and is int32 now"),
        (lambda values: values.groupBy("value").agg(F.max("value")), "state", "was int64 and is string now"),
        (lambda values: values.select("value"), "state", "Stateful operators in current batch: []"),
        (lambda values: counts(values.union(values)), "sources", "[2] sources requested by the query"),
        (rate, "sources", "Source 0 is rate now"),
    ],
)
def test_what_cannot_continue_says_why(
    spark: SparkSession, tmp_path: Path, build: Build, about: str, seen: str
) -> None:
    path = continue_counts(spark, tmp_path, ["a"])
    problems = [f for f in findings(spark, tmp_path, build) if f.level == "problem"]
    assert [f.about for f in problems] == [about]
    assert seen in problems[0].seen
    assert counted(spark, path) == {"a": 1}


def test_the_same_query_continues_and_nothing_has_run(spark: SparkSession, tmp_path: Path) -> None:
    path = continue_counts(spark, tmp_path, ["a"])
    add(tmp_path / "in", "b")
    levels = [(f.level, f.about) for f in findings(spark, tmp_path, counts)]
    assert levels == [("ok", "batches"), ("ok", "sources"), ("ok", "state")]
    assert counted(spark, path) == {"a": 1}


def test_a_batch_that_was_cut_short_is_named(spark: SparkSession, tmp_path: Path) -> None:
    path = continue_counts(spark, tmp_path, ["a"], ["b"])
    (path / "commits" / "1").unlink()
    assert "Batch 1 was begun and not committed" in findings(spark, tmp_path, counts)[0].seen


def test_a_setting_that_the_checkpoint_keeps_is_named(spark: SparkSession, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    continue_counts(spark, tmp_path, ["a"])
    spark.conf.set("spark.sql.shuffle.partitions", "5")
    notes = [f.seen for f in findings(spark, tmp_path, counts) if f.level == "note"]
    assert len(notes) == 1
    assert notes[0].startswith("spark.sql.shuffle.partitions stays 3")


def test_a_new_checkpoint_begins(spark: SparkSession, tmp_path: Path) -> None:
    add(tmp_path / "in", "a")
    (finding,) = findings(spark, tmp_path, counts)
    assert (finding.level, finding.about) == ("note", "batches")
    assert not (tmp_path / "checkpoint").exists()

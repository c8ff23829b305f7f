"""Top-N of a stream keeps the rows that can still be among the first N of their partition, and no others."""

import uuid
from datetime import datetime

import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from cauce.streaming.sources import MemoryStream

BY_SCORE = Window.partitionBy("name").orderBy(F.desc("score"))
SCORES = [("a", n * 7 % 11) for n in range(11)] + [("b", n * 3 % 5) for n in range(5)]


@pytest.fixture
def relaxed(spark: SparkSession) -> SparkSession:
    spark.conf.set("cauce.sql.streaming.relaxed", "true")
    return spark


def kept_and_told(spark: SparkSession, ask) -> tuple[int, set[tuple]]:
    """The rows in the state after the scores came four at a time, and what was told of each rank last."""
    name = f"scores_{uuid.uuid4().hex}"
    stream = MemoryStream(name, "name STRING, score INT")
    frame = ask(spark.readStream.format("memory").option("name", name).load())
    query = frame.writeStream.format("memory").queryName(name).outputMode("update").start()
    for start in range(0, len(SCORES), 4):
        stream.add_data(SCORES[start : start + 4])
        query.processAllAvailable()
    [state] = query.lastProgress.stateOperators
    last = {(row.name, row.r): row.score for row in spark.table(name).collect()}
    return state.numRowsTotal, {(*key, score) for key, score in last.items()}


def top(*conditions: str, function: str = "row_number"):
    def ask(frame: DataFrame) -> DataFrame:
        ranked = frame.withColumn("r", getattr(F, function)().over(BY_SCORE))
        for condition in conditions:
            ranked = ranked.where(condition)
        return ranked

    return ask


TWO_OF_EACH = {("a", 1, 10), ("a", 2, 9), ("b", 1, 4), ("b", 2, 3)}


@pytest.mark.parametrize("condition", ["r <= 2", "r < 3", "2 >= r", "score >= 0 AND R <= 2"])
@pytest.mark.parametrize("function", ["row_number", "rank", "dense_rank"])
def test_two_rows_of_each_partition_are_kept(relaxed: SparkSession, condition: str, function: str) -> None:
    rows, told = kept_and_told(relaxed, top(condition, function=function))
    assert told == TWO_OF_EACH
    assert rows == 4 + 4  # the rows, and what was said of them


def test_sql_and_a_selection_in_between_the_partition_and_the_filter(relaxed: SparkSession) -> None:
    def ask(frame: DataFrame) -> DataFrame:
        frame.createOrReplaceTempView("scores")
        ranks = (
            "SELECT score, name, row_number() OVER (PARTITION BY name ORDER BY score DESC) AS r FROM scores"
        )
        return relaxed.sql(f"SELECT name, score, r FROM ({ranks}) ranked WHERE ranked.r <= 2")

    rows, told = kept_and_told(relaxed, ask)
    assert told == TWO_OF_EACH
    assert rows == 8


def test_the_third_alone_needs_the_first_two(relaxed: SparkSession) -> None:
    rows, told = kept_and_told(relaxed, top("r = 3"))
    assert told == {("a", 3, 8), ("b", 3, 2)}
    assert rows == 12


ALL_ROWS = {
    "no limit": top("score > 2"),
    "a limit from below": top("r >= 2"),
    "a limit that need not hold": top("r <= 2 OR score > 0"),
    "another column": top("score <= 2"),
}


@pytest.mark.parametrize("case", ALL_ROWS)
def test_every_row_is_kept_where_all_may_be_wanted(relaxed: SparkSession, case: str) -> None:
    rows, _ = kept_and_told(relaxed, ALL_ROWS[case])
    assert rows == 2 * len(SCORES)


def test_a_window_function_of_all_rows_keeps_them(relaxed: SparkSession) -> None:
    def ask(frame: DataFrame) -> DataFrame:
        behind = F.lead("score").over(BY_SCORE)
        return frame.select("*", F.row_number().over(BY_SCORE).alias("r"), behind.alias("l")).where("r <= 2")

    rows, told = kept_and_told(relaxed, ask)
    assert told == TWO_OF_EACH
    assert rows == 2 * len(SCORES)


def test_rows_that_may_be_taken_back_are_kept(relaxed: SparkSession) -> None:
    def ask(frame: DataFrame) -> DataFrame:
        counts = frame.groupBy("name", F.col("score").alias("of")).agg(
            F.count("*").cast("int").alias("score")
        )
        return top("r <= 1")(counts)

    stream = MemoryStream("taken_back", "name STRING, score INT")
    frame = ask(relaxed.readStream.format("memory").option("name", "taken_back").load())
    query = frame.writeStream.format("noop").outputMode("update").start()
    stream.add_data(SCORES)
    query.processAllAvailable()
    assert query.lastProgress.stateOperators[0].numRowsTotal == 2 * len(SCORES)


def test_in_append_mode_a_window_keeps_its_first_rows(relaxed: SparkSession) -> None:
    stream = MemoryStream("top_append", "ts TIMESTAMP_NTZ, score INT")
    frame = relaxed.readStream.format("memory").option("name", "top_append").load()
    frame = frame.withWatermark("ts", "0 seconds").withColumn("w", F.window("ts", "10 seconds"))
    ranked = frame.withColumn("r", F.row_number().over(Window.partitionBy("w").orderBy(F.desc("score"))))
    query = ranked.where("r <= 2").select("w.start", "score", "r").writeStream
    query = query.format("memory").queryName("top_append").start()
    for scores in ([3, 1, 4], [1, 5, 9], [2, 6]):
        stream.add_data([(datetime(2024, 1, 1, 0, 0, i), score) for i, score in enumerate(scores)])
        query.processAllAvailable()
        assert query.lastProgress.stateOperators[0].numRowsTotal == 2
    stream.add_data([(datetime(2024, 1, 1, 0, 0, 30), 0)])
    query.processAllAvailable()
    assert sorted((row.r, row.score) for row in relaxed.table("top_append").collect()) == [(1, 9), (2, 6)]
    assert query.lastProgress.stateOperators[0].numRowsTotal == 1

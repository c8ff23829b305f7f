"""Under cauce.sql.streaming.relaxed, what is told after every batch is what the query says of all data.

In update mode a later row replaces an earlier one of the same key; a group without rows counts zero.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from cauce.streaming.sources import MemoryStream
from tests.equivalence.test_stream_equals_batch import BATCHES, SCHEMA, START, Query, rows_of

FAR = (99, "far", 0.0, START + timedelta(days=2))
"""A row that pushes the watermark past all others."""


@dataclass(frozen=True)
class Case:
    build: Query
    keys: Sequence[str]
    """A row replaces the one with equal values here."""
    without_rows: Callable[[dict], bool] = lambda row: False
    """Whether the row says that its group has lost all rows."""


def counts(frame: DataFrame) -> DataFrame:
    return frame.groupBy("name").agg(F.count("*").alias("n"), F.max("id").alias("top"))


def ranked(frame: DataFrame, function: str, order: str, *partition: str) -> DataFrame:
    over = Window.partitionBy(*partition).orderBy(F.expr(order).desc(), "name", "id")
    return frame.withColumn("r", getattr(F, function)().over(over))


def windows(frame: DataFrame) -> DataFrame:
    return frame.groupBy(F.window("ts", "10 seconds").alias("w"), "name", "id").agg(F.count("*").alias("n"))


UPDATED: dict[str, Case] = {
    "a histogram of counts": Case(
        lambda f: counts(f).groupBy("n").agg(F.count("*").alias("names"), F.max("top"), F.min("name")),
        ["n"],
        lambda row: row["names"] == 0,
    ),
    "without keys": Case(lambda f: counts(f).agg(F.count("*"), F.sum("n"), F.max("n")), []),
    "a filter between": Case(
        lambda f: counts(f).where("n % 2 = 1").groupBy("top").agg(F.count("*").alias("names")),
        ["top"],
        lambda row: row["names"] == 0,
    ),
    "rows exploded between": Case(
        lambda f: (
            counts(f)
            .select("name", F.explode(F.sequence(F.lit(1), F.col("n"))).alias("i"))
            .groupBy("i")
            .agg(F.count("*").alias("names"), F.collect_set("name").alias("all"))
            .select("i", "names", F.sort_array("all"))
        ),
        ["i"],
        lambda row: row["names"] == 0,
    ),
    "three in a row": Case(
        lambda f: (
            (f.groupBy("name", "id").count().groupBy("name").agg(F.max("count").alias("most")))
            .groupBy("most")
            .agg(F.count("*").alias("names"), F.sum("most"))
        ),
        ["most"],
        lambda row: row["names"] == 0,
    ),
    "distinct values": Case(
        lambda f: (
            f.groupBy("name")
            .agg(F.count_distinct("id").alias("n"))
            .groupBy("n")
            .agg(F.count("*").alias("names"))
        ),
        ["n"],
        lambda row: row["names"] == 0,
    ),
    "windows of windows": Case(
        lambda f: (
            windows(f).groupBy("w", "name").agg(F.max("n").alias("m")).groupBy("w").agg(F.sum("m").alias("s"))
        ),
        ["w"],
    ),
    "the last two of each name": Case(
        lambda f: ranked(f.select("name", "id", "ts"), "row_number", "ts", "name").where("r <= 2"),
        ["name", "r"],
    ),
    "top names of each window": Case(
        lambda f: ranked(windows(f), "row_number", "n", "w").where("r <= 2"), ["w", "r"]
    ),
    "sums beside the rows": Case(
        lambda f: (
            f.groupBy("name", "id")
            .count()
            .select("name", "id", "count", F.sum("count").over(Window.partitionBy("name")).alias("of_name"))
        ),
        ["name", "id"],
    ),
    "groups of ranks": Case(
        lambda f: (
            ranked(counts(f).withColumnRenamed("top", "id"), "dense_rank", "n")
            .groupBy("r")
            .agg(F.count("*").alias("names"))
        ),
        ["r"],
        lambda row: row["names"] == 0,
    ),
}


@pytest.fixture
def relaxed(spark: SparkSession) -> SparkSession:
    spark.conf.set("cauce.sql.streaming.relaxed", "true")
    return spark


@pytest.mark.parametrize("mode", ["update", "complete"])
@pytest.mark.parametrize("name", UPDATED)
def test_what_is_told_is_true_after_every_batch(
    relaxed: SparkSession, examples: int, name: str, mode: str
) -> None:
    case = UPDATED[name]
    if mode == "complete" and name == "the last two of each name":
        pytest.skip("complete mode needs an aggregation, as in Spark")

    @settings(
        max_examples=max(examples // 3, 2),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
    @given(BATCHES)
    def every_cut_answers_the_same(batches: list[list[tuple]]) -> None:
        told = tell(relaxed, case, batches, mode)
        for count, rows in enumerate(told, 1):
            seen = [row for batch in batches[:count] for row in batch]
            assert rows == rows_of(case.build(relaxed.createDataFrame(seen, SCHEMA)))

    every_cut_answers_the_same()


def tell(spark: SparkSession, case: Case, batches: list[list[tuple]], mode: str) -> list[list[str]]:
    """What is known after each batch."""
    name = f"stream_{uuid.uuid4().hex}"
    stream = MemoryStream(name, SCHEMA)
    frame = case.build(spark.readStream.format("memory").option("name", name).load())
    running = frame.writeStream.format("memory").queryName(name).outputMode(mode).start()
    told = []
    try:
        for batch in batches:
            stream.add_data(batch)
            running.processAllAvailable()
            table = spark.table(name)
            told.append(rows_of(table) if mode == "complete" else latest(table, case))
        return told
    finally:
        running.stop()


def latest(table: DataFrame, case: Case) -> list[str]:
    """The last row of every key."""
    rows = {repr([row[key] for key in case.keys]): row for row in table.collect()}
    alive = [row for row in rows.values() if not case.without_rows(row.asDict())]
    return rows_of(table.sparkSession.createDataFrame(alive, table.schema)) if alive else []


CLOSED: dict[str, Query] = {
    "top names of each window": lambda f: ranked(windows(f), "row_number", "n", "w").where("r <= 2"),
    "ranks of rows by window": lambda f: ranked(
        f.withColumn("w", F.window("ts", "10 seconds")), "rank", "score", "w"
    ).select("w", "name", "id", "r"),
    "an aggregation of ranks": lambda f: (
        ranked(windows(f), "dense_rank", "n", "w").groupBy("w", "r").agg(F.count("*").alias("names"))
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_window_is_ranked_once_it_is_closed(relaxed: SparkSession, examples: int, name: str) -> None:
    @settings(
        max_examples=max(examples // 3, 2),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
    @given(BATCHES)
    def every_cut_answers_the_same(batches: list[list[tuple]]) -> None:
        everything = relaxed.createDataFrame([row for batch in batches for row in batch], SCHEMA)
        case = Case(lambda f: CLOSED[name](f.withWatermark("ts", "1 hour") if f.isStreaming else f), [])
        (*_, answer) = told_in_append(relaxed, case.build, [*batches, [FAR]])
        assert answer == rows_of(CLOSED[name](everything))

    every_cut_answers_the_same()


def told_in_append(spark: SparkSession, build: Query, batches: list[list[tuple]]) -> list[list[str]]:
    name = f"stream_{uuid.uuid4().hex}"
    stream = MemoryStream(name, SCHEMA)
    frame = build(spark.readStream.format("memory").option("name", name).load())
    running = frame.writeStream.format("memory").queryName(name).start()
    told = []
    try:
        for batch in batches:
            stream.add_data(batch)
            running.processAllAvailable()
            told.append(rows_of(spark.table(name)))
        return told
    finally:
        running.stop()


def refused(frame: DataFrame, mode: str) -> str | None:
    with pytest.raises(AnalysisException) as error:
        frame.writeStream.format("noop").outputMode(mode).start()
    return error.value.getCondition()


def test_spark_refuses_them_all(spark: SparkSession) -> None:
    frame = spark.readStream.format("rate").load().selectExpr("value AS id", "timestamp AS ts", "'a' AS name")
    assert refused(counts(frame).groupBy("n").count(), "update") == "_LEGACY_ERROR_TEMP_3102"
    ranks = ranked(frame, "row_number", "ts", "name")
    assert refused(ranks, "update") == "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING"


def test_what_stays_refused(relaxed: SparkSession) -> None:
    frame = (
        relaxed.readStream.format("rate").load().selectExpr("value AS id", "timestamp AS ts", "'a' AS name")
    )
    timed = frame.withWatermark("ts", "1 minute")
    # Nothing says when the rows of a name are complete.
    ranks = ranked(timed, "row_number", "ts", "name")
    assert refused(ranks, "append") == "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING"
    # One pass over the rows answers one partitioning.
    two = ranked(frame, "rank", "ts", "name").select(
        "*", F.rank().over(Window.partitionBy("id").orderBy("ts"))
    )
    mixed = frame.select(
        F.rank().over(Window.partitionBy("id").orderBy("ts")),
        F.rank().over(Window.partitionBy("name").orderBy("ts")),
    )
    assert refused(mixed, "update") == "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING"
    two.writeStream.format("noop").outputMode("update").start().stop()
    # What was let through cannot be taken back by an operator that looks at each row once.
    deduplicated = windows(timed).dropDuplicates(["w"])
    assert refused(deduplicated, "update") == "_LEGACY_ERROR_TEMP_3102"

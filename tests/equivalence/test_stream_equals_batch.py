"""The oracle: however rows are cut into batches, a stream answers what the query answers on all rows."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from cauce.streaming.sources import MemoryStream

SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("name", StringType()),
        StructField("score", DoubleType()),
        StructField("ts", TimestampType()),
    ]
)
START = datetime(2024, 2, 29, 23, 59, 50, tzinfo=UTC)

# Sums of these are exact, so that the order of addition cannot show.
SCORES = st.none() | st.integers(-100, 100).map(lambda n: n / 4) | st.just(float("nan")) | st.just(-0.0)
ROWS = st.tuples(
    st.none() | st.integers(-3, 3),
    st.none() | st.sampled_from(["", "a", "b", "ñ🙂", "a,b\n"]),
    SCORES,
    st.none() | st.integers(-30_000, 30_000).map(lambda ms: START + timedelta(milliseconds=ms)),
)
BATCHES = st.lists(st.lists(ROWS, max_size=6), min_size=1, max_size=4)

Query = Callable[[DataFrame], DataFrame]


def static_side(frame: DataFrame) -> DataFrame:
    names = frame.sparkSession.createDataFrame([("a", 1), ("b", 2), ("b", 3)], "name string, weight int")
    return frame.join(names, "name", "left")


def windowed(frame: DataFrame, *sizes: str) -> DataFrame:
    return frame.groupBy(F.window("ts", *sizes)).agg(F.count("*").alias("n"), F.max("name"))


STATELESS: dict[str, Query] = {
    "filter and project": lambda f: f.where("id > 0 OR score IS NULL").selectExpr(
        "id * 2 AS twice", "upper(name) AS n"
    ),
    "explode": lambda f: f.select("id", F.explode(F.array("id", F.col("id") + 1)).alias("each")),
    "from_json": lambda f: f.select(
        F.from_json(F.to_json(F.struct("id", "name")), "id long, name string").alias("j")
    ),
    "join with a static table": static_side,
    "union with itself": lambda f: f.union(f.select("id", "name", F.lit(0.5), "ts")),
    "tumbling windows of rows": lambda f: f.select(
        F.window("ts", "7 seconds", "7 seconds", "2 seconds"), "id"
    ),
    "sliding windows of rows": lambda f: f.select(F.window("ts", "10 seconds", "4 seconds"), "id"),
    "distinct ids": lambda f: f.select("id").dropDuplicates(),
}
AGGREGATES: dict[str, Query] = {
    "count by name": lambda f: f.groupBy("name").count(),
    "count by score": lambda f: f.groupBy("score").count(),
    "no keys": lambda f: f.agg(F.count("*"), F.sum("id"), F.min("score"), F.max("ts")),
    "two keys": lambda f: f.groupBy("name", "id").agg(F.sum("score").alias("s"), F.avg("score")),
    "expressions over aggregates": lambda f: f.groupBy("name").agg(
        (F.sum("id") + F.count("*")).alias("x"), F.expr("max(id) - min(id) AS spread")
    ),
    "tumbling": lambda f: windowed(f, "5 seconds"),
    "sliding": lambda f: windowed(f, "10 seconds", "3 seconds"),
    "having": lambda f: f.groupBy("name").agg(F.count("*").alias("n")).where("n > 1"),
    "collections": lambda f: f.groupBy("name").agg(
        F.sort_array(F.collect_list("id")), F.sort_array(F.collect_set("score"))
    ),
    "statistics": lambda f: f.groupBy("name").agg(F.stddev("id"), F.var_pop("id"), F.skewness("id")),
}


@pytest.mark.parametrize("name", STATELESS)
def test_rows_appended_by_a_stream(name: str, spark: SparkSession, examples: int) -> None:
    check(STATELESS[name], "append", spark, examples)


@pytest.mark.parametrize("name", AGGREGATES)
def test_groups_of_a_stream_in_complete_mode(name: str, spark: SparkSession, examples: int) -> None:
    check(AGGREGATES[name], "complete", spark, examples)


def check(query: Query, mode: str, spark: SparkSession, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
    @given(BATCHES)
    def every_cut_answers_the_same(batches: list[list[tuple]]) -> None:
        assume(any(batches))  # the engine's own from_json fails on a frame without rows
        everything = spark.createDataFrame([row for batch in batches for row in batch], SCHEMA)
        assert streamed(query, mode, batches, spark) == rows_of(query(everything))

    every_cut_answers_the_same()


def streamed(query: Query, mode: str, batches: list[list[tuple]], spark: SparkSession) -> list[str]:
    """The stream's whole answer after it has seen every batch."""
    name = f"stream_{uuid.uuid4().hex}"
    stream = MemoryStream(name, SCHEMA)
    frame = query(spark.readStream.format("memory").option("name", name).load())
    running = frame.writeStream.format("memory").queryName(name).outputMode(mode).start()
    try:
        for batch in batches:
            stream.add_data(batch)
            running.processAllAvailable()
        return rows_of(spark.table(name))
    finally:
        running.stop()


def rows_of(frame: DataFrame) -> list[str]:
    """Rows in an order of their own; floats to 9 digits, because moments are merged in another order."""
    return sorted(json.dumps(rounded(row.asDict(recursive=True)), default=str) for row in frame.collect())


def rounded(value: object) -> object:
    if isinstance(value, float):
        # A moment that is zero may come out as a rounding error, depending on the order of the rows.
        return "0" if abs(value) < 1e-9 else f"{value:.9g}"
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value

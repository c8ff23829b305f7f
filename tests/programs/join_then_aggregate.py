"""Joined rows counted in windows: the count waits for the rows that the join may still give."""

from pathlib import Path

from join_verbs import answers_of_two
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events


def run(spark: SparkSession, directory: Path):
    steps = [
        ("left", [(1, "a"), (2, "a"), (3, "a"), (4, "a")]),
        ("right", [(1, "a"), (2, "a"), (3, "a"), (4, "a")]),
        ("left", [(5, "a")]),
        ("right", [(5, "a")]),
        ("left", [(21, "a"), (22, "b")]),
        ("right", [(23, "b")]),
        ("left", [(50, "b")]),
        ("right", [(50, "b")]),
    ]
    return {
        "equal times": answers_of_two(spark, directory / "equal", equal_times, steps),
        "left outer": answers_of_two(
            spark, directory / "outer", lambda left, right: ranges(left, right, "left_outer"), steps
        ),
        "inner": answers_of_two(
            spark, directory / "inner", lambda left, right: ranges(left, right, "inner"), steps
        ),
    }


def equal_times(left: Events, right: Events) -> DataFrame:
    one, other = left.with_watermark("0 seconds"), right.with_watermark("0 seconds")
    joined = one.join(other, one.time == other.time).select(one.time)
    windows = joined.groupBy(F.window("time", "5 seconds").alias("w")).count()
    return windows.select(F.col("w.start").cast("long"), "count")


def ranges(left: Events, right: Events, how: str) -> DataFrame:
    one, other = left.with_watermark("5 seconds"), right.with_watermark("5 seconds")
    near = other.time.between(
        one.time - F.expr("INTERVAL 2 SECONDS"), one.time + F.expr("INTERVAL 2 SECONDS")
    )
    joined = one.join(other, (one.value == other.value) & near, how)
    windows = joined.groupBy(F.window(one.time, "5 seconds").alias("w")).agg(
        F.count("*").alias("rows"), F.count(other.value).alias("matches")
    )
    return windows.select(F.col("w.start").cast("long").alias("start"), "rows", "matches")

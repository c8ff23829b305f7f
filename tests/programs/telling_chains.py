"""Telling cases 18-22: stateful operators in a chain, each under the watermark that reaches it."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from telling import told, told_of_two
from verbs import Events

NEARBY = "left_time BETWEEN right_time - INTERVAL 1 HOUR AND right_time + INTERVAL 1 HOUR"


def run(spark: SparkSession, directory: Path):
    four = [1, 2, 3, 4]
    hour = 3600
    return {
        "18 three aggregations": told(
            spark, directory / "18", three_aggregations, [list(range(38)), list(range(30, 61))]
        ),
        "19 duplicates, then windows": told(
            spark, directory / "19", distinct_then_count, [list(range(1, 16)), [1, 30]]
        ),
        "20 equal times, then windows": told_of_two(
            spark,
            directory / "20",
            join_then_count,
            [("left", four), ("right", four), ("left", [5]), ("right", [5])],
        ),
        "21 windows, then duplicates": told(
            spark, directory / "21", count_then_distinct, [[1, 5, 10, 15], [20]]
        ),
        "22 outer join, then windows": told_of_two(
            spark,
            directory / "22",
            outer_join_then_count,
            [
                ("left", [(14, "a"), (19, "a")]),
                ("right", [(hour + 5, "a")]),
                ("left", [(hour + 20, "b")]),
                ("right", [(hour + 20, "b")]),
                ("left", [(3 * hour, "c")]),
                ("right", [(3 * hour, "c")]),
            ],
        ),
    }


def three_aggregations(events: Events) -> DataFrame:
    frame = events.with_watermark("0 seconds").groupBy(F.window("time", "5 seconds").alias("w5"))
    fives = frame.agg(F.count("*").alias("rows"))
    tens = fives.groupBy(F.window("w5", "10 seconds").alias("w10")).agg(F.sum("rows").alias("rows"))
    twenties = tens.groupBy(F.window("w10", "20 seconds").alias("w")).agg(
        F.count("*").alias("tens"), F.sum("rows").alias("rows")
    )
    return twenties.select(F.col("w.start").cast("long"), F.col("w.end").cast("long"), "tens", "rows")


def distinct_then_count(events: Events) -> DataFrame:
    distinct = events.with_watermark("10 seconds").dropDuplicates(["value", "time"])
    windows = distinct.groupBy(F.window("time", "5 seconds").alias("w")).count()
    return windows.select(F.col("w.start").cast("long"), "count")


def join_then_count(left: Events, right: Events) -> DataFrame:
    one, other = left.with_watermark("0 seconds"), right.with_watermark("0 seconds")
    windows = (
        one.join(other, one.time == other.time).groupBy(F.window(one.time, "5 seconds").alias("w")).count()
    )
    return windows.select(F.col("w.start").cast("long"), "count")


def count_then_distinct(events: Events) -> DataFrame:
    windows = events.with_watermark("0 seconds").groupBy(F.window("time", "5 seconds").alias("w")).count()
    timed = windows.withColumn("at", F.window_time("w")).dropDuplicates(["count", "at"])
    return timed.select(F.col("w.end").cast("long"), "count", F.unix_micros("at"))


def outer_join_then_count(left: Events, right: Events) -> DataFrame:
    one = left.with_watermark("0 seconds").select(F.col("time").alias("left_time"), F.col("value").alias("l"))
    other = right.with_watermark("0 seconds").select(
        F.col("time").alias("right_time"), F.col("value").alias("r")
    )
    joined = one.join(other, F.expr(f"l = r AND {NEARBY}"), "left_outer")
    windows = joined.groupBy(F.window("left_time", "5 seconds").alias("w")).agg(
        F.count("*").alias("rows"), F.count("r").alias("matches")
    )
    return windows.select(F.col("w.start").cast("long"), "rows", "matches")

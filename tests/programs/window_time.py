"""A window's time is its last microsecond, and keeps the watermark for a second aggregation."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    return {
        "times": answers(spark, directory / "times", micros, [[1, 2, 6], [30]]),
        "chained": answers(spark, directory / "chained", chained, [[1, 2, 6, 11], [40], [41]]),
    }


def times(events: Events) -> DataFrame:
    counts = events.with_watermark("0 seconds").groupBy(F.window("time", "5 seconds").alias("w")).count()
    return counts.select(F.window_time("w").alias("t"), "count")


def micros(events: Events) -> DataFrame:
    return times(events).select(F.unix_micros("t"), "count")


def chained(events: Events) -> DataFrame:
    sums = times(events).groupBy(F.window("t", "10 seconds").alias("w")).agg(F.sum("count").alias("n"))
    return sums.select(F.col("w.start").cast("long"), "n")

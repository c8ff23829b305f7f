"""Grouping by the event time itself, and by a window and a second key."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    keyed = [[(100, "x"), (101, "y"), (102, "x")], [(120, "x")]]
    return {
        "time": answers(spark, directory / "time", by_time, [[10], [25]]),
        "window and value": answers(spark, directory / "keyed", by_window_and_value, keyed),
    }


def by_time(events: Events) -> DataFrame:
    counts = events.with_watermark("10 seconds").groupBy("time").count()
    return counts.select(F.col("time").cast("long"), "count")


def by_window_and_value(events: Events) -> DataFrame:
    keyed = events.with_watermark("10 seconds").groupBy("value", F.window("time", "5 seconds").alias("w"))
    return keyed.agg(F.sum("second")).select(F.col("w.end").cast("long"), "value", "sum(second)")

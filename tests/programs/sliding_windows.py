"""Windows that overlap, windows with a start time, and windows before 1970."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    return {
        "overlapping": told(spark, directory / "overlapping", [1, 6, 11], "10 seconds", "5 seconds"),
        "with a start": told(spark, directory / "start", [43500], "12 minutes", "5 minutes", "2 minutes"),
        "before 1970": told(spark, directory / "before", [-0.000001, -5, -5.000001], "5 seconds"),
    }


def told(spark: SparkSession, path: Path, seconds: list[float], *window: str):
    def counts(events: Events) -> DataFrame:
        windows = events.frame.groupBy(F.window("time", *window).alias("w")).count()
        return windows.select(F.unix_micros("w.start"), F.unix_micros("w.end"), "count")

    return answers(spark, path, counts, [seconds], "complete")

"""Late is what lies behind the previous batch's watermark, which update mode shows."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    return {
        "append": answers(spark, directory / "append", counts, [[11, 25], [12, 27], [13, 28]]),
        "update": answers(spark, directory / "update", counts, [[11, 12], [13, 25], [10], [1]], "update"),
    }


def counts(events: Events) -> DataFrame:
    windows = events.with_watermark("10 seconds").groupBy(F.window("time", "5 seconds").alias("w")).count()
    return windows.select(F.col("w.start").cast("long"), "count")

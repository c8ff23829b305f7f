"""Update emits each changed window in every batch; a late row changes nothing."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    return answers(spark, directory, counts, [[10, 11, 12, 13, 14, 15], [25], [10, 25], [10]], "update")


def counts(events: Events) -> DataFrame:
    windows = events.with_watermark("10 seconds").groupBy(F.window("time", "5 seconds").alias("w")).count()
    return windows.select(F.col("w.start").cast("long"), "count")

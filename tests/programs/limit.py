"""A limit counts over all batches."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    batches = [[(1, "a"), (2, "a")], [(3, "b"), (4, "b")], [(5, "c")]]
    return answers(spark, directory, first_three, batches)


def first_three(events: Events) -> DataFrame:
    return events.frame.select("value").limit(3)

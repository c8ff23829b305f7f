"""Rollup and cube over a stream."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    return {
        "rollup": answers(
            spark, directory / "rollup", rollup, [[(1, "a"), (2, "b")], [(6, "a")]], "complete"
        ),
        "cube": answers(spark, directory / "cube", cube, [[(1, "a"), (7, "a"), (8, "b")]], "update"),
    }


def rollup(events: Events) -> DataFrame:
    return events.frame.rollup("value").agg(F.count("*").alias("n"), F.sum("second").alias("s"))


def cube(events: Events) -> DataFrame:
    return events.frame.withColumn("half", F.col("second") >= 5).cube("value", "half").count()

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
        "sets": answers(spark, directory / "sets", sets, [[(1, "a"), (7, "a")], [(8, "b")]], "update"),
        "frame": answers(spark, directory / "frame", of_frame, [[(1, "a"), (None, "a")]], "update"),
        "cube": answers(spark, directory / "cube", cube, [[(1, "a"), (7, "a"), (8, "b")]], "update"),
    }


def rollup(events: Events) -> DataFrame:
    return events.frame.rollup("value").agg(F.count("*").alias("n"), F.sum("second").alias("s"))


def cube(events: Events) -> DataFrame:
    return events.frame.withColumn("half", F.col("second") >= 5).cube("value", "half").count()


def sets(events: Events) -> DataFrame:
    half = events.frame.withColumn("half", F.col("second") >= 5)
    grouped = half.groupingSets([[F.col("value")], [F.col("half")], []], "value", "half")
    return grouped.agg(F.max("second"), F.grouping_id().alias("set"), F.grouping("value").alias("left_out"))


def of_frame(events: Events) -> DataFrame:
    frame = events.frame
    return frame.rollup(frame["value"], frame["second"].alias("s")).agg(F.count(frame["second"]).alias("n"))

"""Two streams become one, by position and by name."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events, process


def run(spark: SparkSession, directory: Path):
    left, right = Events(spark, directory / "left"), Events(spark, directory / "right")
    left.add((1, "l"))
    right.add((2, "r"), (3, "r"))
    named = right.frame.select(F.lit(True).alias("late"), "value", "second")
    return {
        "by position": process(left.frame.union(right.frame).select("second", "value"), directory, name="p"),
        "by name": process(
            left.frame.select("second", "value").unionByName(named, allowMissingColumns=True),
            directory,
            name="n",
        ),
    }

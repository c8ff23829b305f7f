"""Streams joined by equal windows, in every way: the window in the key says when rows leave the state."""

from pathlib import Path

from join_verbs import answers_of_two
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events

STEPS = [
    ("left", [(second, str(second)) for second in range(1, 6)]),
    ("right", [(second, str(second)) for second in range(3, 8)]),
    ("left", [(21, "21")]),
    ("right", [(22, "22")]),
    ("left", [(2, "2"), (23, "22")]),
    ("right", [(40, "40")]),
    ("left", [(41, "41")]),
]


def run(spark: SparkSession, directory: Path):
    return {
        how: answers_of_two(
            spark, directory / how, lambda left, right, how=how: joined(left, right, how), STEPS
        )
        for how in ("inner", "left_outer", "right_outer", "full_outer", "left_semi")
    }


def joined(left: Events, right: Events, how: str) -> DataFrame:
    one, other = windowed(left, "left_value", 2), windowed(right, "right_value", 3)
    frame = one.join(other, ["key", "window"], how)
    columns = ["key", F.col("window.end").cast("long"), "left_value"]
    return frame.select(*columns) if how == "left_semi" else frame.select(*columns, "right_value")


def windowed(events: Events, name: str, factor: int) -> DataFrame:
    keyed = events.with_watermark("10 seconds").withColumn("key", F.col("value").cast("int"))
    return keyed.select(
        "key", F.window("time", "10 seconds").alias("window"), (F.col("key") * factor).alias(name)
    )

"""Rows that fail a condition on their own side alone: nulls at once on the outer side, nothing else."""

from pathlib import Path

from join_verbs import answers_of_two
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events

STEPS = [
    ("left", [(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")]),
    ("right", [(3, "3"), (4, "4"), (5, "5"), (6, "6"), (7, "7")]),
    ("left", [(21, "21")]),
    ("right", [(22, "22")]),
]


def run(spark: SparkSession, directory: Path):
    conditions = {"left": "left_key > 2", "right": "right_key > 4", "both": "left_key + right_key > 7"}
    return {
        f"{how} {name}": answers_of_two(
            spark,
            directory / how / name,
            lambda left, right, how=how, text=text: joined(left, right, how, text),
            STEPS,
        )
        for how in ("inner", "left_outer", "right_outer", "full_outer")
        for name, text in conditions.items()
    }


def joined(left: Events, right: Events, how: str, text: str) -> DataFrame:
    one, other = windowed(left, "left"), windowed(right, "right")
    condition = (one.left_key == other.right_key) & (one.left_window == other.right_window) & F.expr(text)
    return one.join(other, condition, how).select("left_key", "right_key")


def windowed(events: Events, side: str) -> DataFrame:
    return events.with_watermark("10 seconds").select(
        F.col("value").cast("int").alias(f"{side}_key"),
        F.window("time", "10 seconds").alias(f"{side}_window"),
    )

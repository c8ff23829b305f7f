"""Rows of two streams meet within a time range; rows that can match nothing any more leave the state."""

from pathlib import Path

from join_verbs import answers_of_two
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events

STEPS = [
    ("left", [(10, "a"), (11, "b")]),
    ("right", [(12, "a"), (14, "a"), (40, "b")]),
    ("left", [(30, "c"), (38, "b"), (36, "b"), (1, "b")]),
    ("right", [(35, "c"), (41, "b"), (50, "a")]),
    ("left", [(60, "a"), (32, "c")]),
    ("right", [(61, "a"), (70, "a")]),
    ("left", [(90, "z")]),
]


def run(spark: SparkSession, directory: Path):
    return {
        how: answers_of_two(
            spark, directory / how, lambda left, right, how=how: within_5_s(left, right, how), STEPS
        )
        for how in ("inner", "left_outer", "right_outer", "full_outer", "left_semi")
    }


def within_5_s(left: Events, right: Events, how: str) -> DataFrame:
    one, other = left.with_watermark("10 seconds").alias("l"), right.with_watermark("20 seconds").alias("r")
    condition = F.expr("l.value = r.value AND r.time >= l.time AND r.time <= l.time + INTERVAL 5 SECONDS")
    joined = one.join(other, condition, how)
    if how == "left_semi":
        return joined.select("l.second", "l.value")
    return joined.select("l.second", "l.value", F.col("r.second").alias("other"), F.col("r.value").alias("v"))

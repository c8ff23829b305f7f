"""A stream joined with a part of itself: even ids find a partner, odd ones are given with nulls."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    batches = [[(1, "1"), (2, "2"), (3, "3")], [(4, "4"), (5, "5")], [(20, "20")], [(40, "40")]]
    return {
        how: answers(spark, directory / how, lambda events, how=how: joined(events, how), batches)
        for how in ("inner", "left_outer")
    }


def joined(events: Events, how: str) -> DataFrame:
    everything = events.with_watermark("10 seconds").select("value", "time")
    even = everything.where("CAST(value AS INT) % 2 = 0").select(
        F.col("value").alias("even_value"), F.col("time").alias("even_time")
    )
    condition = (F.col("value") == F.col("even_value")) & (
        F.col("time").between(
            F.expr("even_time - INTERVAL 2 SECONDS"), F.expr("even_time + INTERVAL 2 SECONDS")
        )
    )
    return everything.join(even, condition, how).select("value", "even_value")

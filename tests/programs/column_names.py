"""Columns whose names have dots, spaces, quotes, capitals, or the same letters twice."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    batches = [[(1, "a"), (2, "b")], [(3, "a")]]
    return {
        "odd names": answers(spark, directory / "odd", odd, batches, "update"),
        "letter case": answers(spark, directory / "case", letter_case, batches, "update"),
        "nested": answers(spark, directory / "nested", nested, batches, "update"),
        "unnamed": unnamed(Events(spark, directory / "unnamed")),
        "starred": answers(spark, directory / "starred", starred, batches),
    }


def odd(events: Events) -> DataFrame:
    renamed = events.frame.toDF("a.b", "my value", "it`s")
    grouped = renamed.groupBy("`my value`").agg(
        F.sum("`a.b`").alias("sum of a.b"), F.max("`it``s`").alias("m")
    )
    return grouped.select(F.col("`my value`"), F.col("`sum of a.b`"), F.unix_timestamp("m"))


def letter_case(events: Events) -> DataFrame:
    return (
        events.frame.groupBy("VALUE")
        .agg(F.max("Second").alias("Max"))
        .where("MAX > 0")
        .select("Value", "max")
    )


def nested(events: Events) -> DataFrame:
    structs = events.frame.select(F.struct("value", F.struct("second").alias("inner")).alias("s"))
    return structs.groupBy("s.value").agg(F.sum("s.inner.second"), F.count("s.inner"))


def unnamed(events: Events) -> list[str]:
    frame = events.frame.groupBy(F.upper("value"), F.col("second") + 1).agg(
        F.sum("second"), F.count("*"), F.avg(F.col("second") * 2), F.expr("max(second) - min(second)")
    )
    return frame.columns


def starred(events: Events) -> DataFrame:
    twice = events.frame.alias("l").select("l.*", F.col("l.value").alias("Again"))
    return twice.drop("time").withColumnsRenamed({"again": "AGAIN"}).select("AGAIN", "*").drop("value")

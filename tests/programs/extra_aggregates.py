"""Aggregate functions that keep more than a few numbers per group: answered, or refused at start()."""

from pathlib import Path

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from verbs import answers


def run(spark: SparkSession, directory: Path):
    return {name: told(spark, directory / name, column) for name, column in columns().items()}


def columns() -> dict[str, Column]:
    whole = F.col("second").cast("long")
    return {
        "product": F.product("second"),
        "bit_and": F.bit_and(whole),
        "bit_or": F.bit_or(whole),
        "bit_xor": F.bit_xor(whole),
        "median": F.median("second"),
        "percentile": F.percentile("second", 0.25),
        "mode": F.mode("value"),
        "regr_slope": F.round(F.regr_slope("second", whole * whole), 9),
        "regr_count": F.regr_count("second", whole),
        "regr_r2": F.round(F.regr_r2("second", whole * whole), 9),
        "try_sum": F.try_sum(whole),
        "histogram_numeric": F.histogram_numeric("second", F.lit(3)),
    }


def told(spark: SparkSession, path: Path, column: Column):
    batches = [[(1, "a"), (4, "b"), (3, "a")], [(8, "c"), (2, "a"), (7, "a")]]
    try:
        return answers(spark, path, lambda events: events.frame.groupBy().agg(column), batches, "complete")
    except Exception as error:
        return type(error).__name__

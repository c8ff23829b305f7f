"""A stream joined with a table in every way Spark allows."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import answers


def run(spark: SparkSession, directory: Path):
    table = str(directory / "table")
    spark.createDataFrame([("a", "apple"), ("b", "banana")], "value string, fruit string").write.parquet(
        table
    )
    catalogue = spark.read.parquet(table)
    found = {}
    for how in ("inner", "left_outer", "left_semi", "left_anti"):
        found[how] = answers(
            spark,
            directory / how,
            lambda events, how=how: events.frame.join(catalogue, "value", how).drop("time"),
            [[(1, "a"), (2, "c")], [(3, "b"), (4, "d")]],
        )
    found["right_outer"] = answers(
        spark,
        directory / "swapped",
        lambda events: catalogue.join(events.frame, "value", "right_outer").drop("time"),
        [[(1, "a"), (2, "c")]],
    )
    return found

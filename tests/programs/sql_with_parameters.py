"""SQL over frames passed as arguments, expressions as text, and selectExpr."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events, process


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add((1, "x"), (5, "y"), (9, "z"))
    chosen = spark.sql(
        "SELECT value, second * :factor AS s FROM {events} WHERE second > :least",
        {"factor": 2, "least": 3},
        events=events.frame,
    )
    cast = events.frame.selectExpr(
        "CAST(second AS INT) AS s", "concat(value, '-', value) AS v", "CAST(time AS BIGINT) AS t"
    )
    return {
        "sql": process(chosen, directory, name="chosen"),
        "selectExpr": process(cast, directory, name="cast"),
    }

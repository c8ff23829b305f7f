"""The memory sink keeps appended rows, replaces complete answers, and needs a name."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events, rows, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    counts = events.frame.groupBy("value").count()
    query = counts.writeStream.format("memory").queryName("counted").outputMode("complete").start()
    events.add((1, "a"))
    query.processAllAvailable()
    first = sorted_rows(spark.table("counted"))
    events.add((2, "a"), (3, "b"))
    query.processAllAvailable()
    second = sorted_rows(spark.table("counted"))
    in_sql = rows(spark.sql("SELECT sum(count) AS total FROM counted"))
    query.stop()
    return {
        "first": first,
        "second": second,
        "sql": in_sql,
        "after stop": sorted_rows(spark.table("counted")),
    }

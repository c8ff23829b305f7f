"""distinct() of a stream, and SELECT DISTINCT in SQL."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    return {
        "distinct": answers(
            spark, directory / "distinct", distinct, [[(1, "a"), (2, "a")], [(4, "a"), (5, "c")]]
        ),
        "union": answers(spark, directory / "union", union, [[(6, "d"), (7, "D")], [(9, "e")]], "complete"),
        "sql": answers(
            spark, directory / "sql", in_sql, [[(6, "d"), (7, "d")], [(8, "a"), (9, "d")]], "update"
        ),
    }


def distinct(events: Events) -> DataFrame:
    return events.frame.select("value", F.lit(1).alias("one")).distinct()


def union(events: Events) -> DataFrame:
    events.frame.createOrReplaceTempView("distinct_events")
    text = "SELECT value FROM distinct_events UNION SELECT upper(value) FROM distinct_events"
    return events.frame.sparkSession.sql(text)


def in_sql(events: Events) -> DataFrame:
    events.frame.createOrReplaceTempView("distinct_events")
    return events.frame.sparkSession.sql("SELECT DISTINCT value FROM distinct_events")

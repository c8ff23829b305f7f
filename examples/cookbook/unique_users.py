"""N5-N6 Clicks and exact unique users per product in five-minute windows.

    cauce run examples/cookbook/unique_users.py

Apache Spark refuses an exact count of distinct values on a stream; cauce computes it when
`cauce.sql.streaming.relaxed` is set. `approx_count_distinct` runs on both. With KAFKA=host:port the clicks
come from the topic, at most 10,000 a batch.
"""

from pathlib import Path

from kitchen import Topic, cook, run_available
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

CLICK = "time timestamp, user string, product string"


def recipe(spark: SparkSession, folder: Path) -> dict:
    clicks = Topic(spark, folder / "user-clicks", CLICK)
    for user in ("ada", "bob", "ada"):
        clicks.send({"time": "2026-01-01 10:01:00", "user": user, "product": "lamp"})
    approximate = unique_users(clicks.frame, F.approx_count_distinct("user"))
    return {
        "approximately": run_available(approximate, "complete"),
        "exactly": exactly(clicks.frame),
    }


def exactly(clicks: DataFrame) -> list:
    clicks.sparkSession.conf.set("cauce.sql.streaming.relaxed", "true")
    try:
        return run_available(unique_users(clicks, F.count_distinct("user")), "complete")
    except PySparkException as error:
        return [str(error.getCondition())]
    finally:
        clicks.sparkSession.conf.unset("cauce.sql.streaming.relaxed")


def unique_users(clicks: DataFrame, users: Column) -> DataFrame:
    windows = clicks.withWatermark("time", "10 minutes").groupBy(F.window("time", "5 minutes"), "product")
    counts = windows.agg(F.count("*").alias("clicks"), users.alias("users"))
    return counts.select("window.start", "product", "clicks", "users")


if __name__ == "__main__":
    cook(recipe)

"""N33 Events enriched with a user dimension, then five-minute windows per segment.

cauce run examples/cookbook/segments.py
"""

from pathlib import Path

from kitchen import Topic, cook, run_available
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

USERS = [("ada", "premium"), ("bob", "basic"), ("cleo", "premium")]


def recipe(spark: SparkSession, folder: Path) -> dict:
    events = Topic(spark, folder / "user-events", "time timestamp, user string, revenue double")
    events.send(event("10:01", "ada", 10.0), event("10:02", "ada", 5.0), event("10:03", "bob", 1.0))
    events.send(event("10:06", "cleo", 2.0), event("10:07", "nobody", 9.0))
    users = spark.createDataFrame(USERS, "user string, segment string")
    return {
        "window, segment, events, users, revenue, mean": run_available(
            per_segment(events.frame, users), "complete"
        )
    }


def per_segment(events: DataFrame, users: DataFrame) -> DataFrame:
    enriched = events.join(users, "user", "left").fillna("unknown", ["segment"])
    windows = enriched.withWatermark("time", "10 minutes").groupBy(F.window("time", "5 minutes"), "segment")
    found = windows.agg(
        F.count("*").alias("events"),
        F.approx_count_distinct("user").alias("users"),
        F.sum("revenue").alias("revenue"),
        F.avg("revenue").alias("mean"),
    )
    return found.select("window.start", "segment", "events", "users", "revenue", "mean")


def event(time: str, user: str, revenue: float) -> dict:
    return {"time": f"2026-01-01 {time}:00", "user": user, "revenue": revenue}


if __name__ == "__main__":
    cook(recipe)

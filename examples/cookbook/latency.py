"""N13 Latency per minute of arrival: average, 95th and 99th percentile, maximum.

cauce run examples/cookbook/latency.py
"""

from pathlib import Path

from kitchen import Topic, cook, run_available
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def recipe(spark: SparkSession, folder: Path) -> dict:
    events = Topic(spark, folder / "events", "time timestamp, arrived timestamp")
    # A hundred events of 10:00:00 that arrive 1 to 100 seconds later.
    events.send(*({"time": "2026-01-01 10:00:00", "arrived": arrival(late)} for late in range(1, 101)))
    return {"minute, average, p95, p99, maximum": run_available(latency(events.frame), "complete")}


def latency(events: DataFrame) -> DataFrame:
    seconds = F.col("arrived").cast("double") - F.col("time").cast("double")
    per_minute = events.withColumn("latency_s", seconds).groupBy(F.window("arrived", "1 minute"))
    found = per_minute.agg(
        F.avg("latency_s").alias("average"),
        F.percentile_approx("latency_s", [0.95, 0.99], 10_000).alias("p"),
        F.max("latency_s").alias("maximum"),
    )
    return found.select("window.start", "average", F.col("p")[0], F.col("p")[1], "maximum")


def arrival(late_s: int) -> str:
    return f"2026-01-01 10:{late_s // 60:02}:{late_s % 60:02}"


if __name__ == "__main__":
    cook(recipe)

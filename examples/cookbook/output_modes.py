"""N3, N11 Output modes: append to Parquet, complete to a table in memory, update by upsert.

    cauce run examples/cookbook/output_modes.py

Append writes a window once, when the watermark has passed it; update writes it each time it changes;
complete writes the whole answer after every batch and forgets nothing.
"""

from pathlib import Path

from kitchen import Topic, answers, cook, rows
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

DELIVERIES = [
    [
        {"time": "2026-01-01 10:05:00", "user": "ada", "category": "books"},
        {"time": "2026-01-01 10:10:00", "user": "bob", "category": "toys"},
    ],
    [{"time": "2026-01-01 11:30:00", "user": "ada", "category": "books"}],
    [{"time": "2026-01-01 13:00:00", "user": "bob", "category": "books"}],
]


def recipe(spark: SparkSession, folder: Path) -> dict:
    def topic(name: str) -> Topic:
        return Topic(spark, folder / name, "time timestamp, user string, category string")

    appended, counted, updated, closed = (
        topic("appended"),
        topic("counted"),
        topic("updated"),
        topic("closed"),
    )
    return {
        "append to Parquet": to_parquet(appended, folder),
        "complete: category_counts after each batch": answers(
            per_category(counted.frame), counted, DELIVERIES, "complete"
        ),
        "update: the windows each batch changed": answers(
            per_hour(updated.frame), updated, DELIVERIES, "update"
        ),
        "append: each window once, when it is over": answers(per_hour(closed.frame), closed, DELIVERIES),
    }


def to_parquet(topic: Topic, folder: Path) -> list:
    for delivery in DELIVERIES:
        topic.send(*delivery)
    writer = topic.frame.writeStream.format("parquet").option(
        "checkpointLocation", str(folder / "checkpoint")
    )
    writer.trigger(availableNow=True).start(str(folder / "lake")).awaitTermination()
    return rows(topic.spark.read.parquet(str(folder / "lake")).select("user", "category"))


def per_category(events: DataFrame) -> DataFrame:
    return events.groupBy("category").count()


def per_hour(events: DataFrame) -> DataFrame:
    hours = events.withWatermark("time", "10 minutes").groupBy(F.window("time", "1 hour"), "user").count()
    return hours.select("window.start", "user", "count")


if __name__ == "__main__":
    cook(recipe)

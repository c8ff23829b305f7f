"""N2 Triggers: every 10 seconds, once, continuously, and everything that is available.

cauce run examples/cookbook/triggers.py
"""

import time
from pathlib import Path

from kitchen import Topic, cook
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery


def recipe(spark: SparkSession, folder: Path) -> dict:
    topic = Topic(spark, folder / "clicks", "user string")
    for user in ("ada", "bob", "cleo"):
        topic.send({"user": user})
    return {
        "once: all three files in one batch": batches(once(topic.frame)),
        "availableNow: one file a batch, as the rate limit says": batches(available_now(topic.frame)),
        "every 10 seconds: the first batch starts at once": batches(every_ten_seconds(topic.frame)),
        "continuous": continuous(spark, folder),
    }


def once(clicks: DataFrame) -> StreamingQuery:
    query = clicks.writeStream.format("noop").trigger(once=True).start()
    query.awaitTermination()
    return query


def available_now(clicks: DataFrame) -> StreamingQuery:
    query = clicks.writeStream.format("noop").trigger(availableNow=True).start()
    query.awaitTermination()
    return query


def every_ten_seconds(clicks: DataFrame) -> StreamingQuery:
    query = clicks.writeStream.format("noop").trigger(processingTime="10 seconds").start()
    while not query.recentProgress:
        time.sleep(0.05)
    query.stop()
    return query


def batches(query: StreamingQuery) -> list[int]:
    """The rows of each batch with data."""
    return [progress.numInputRows for progress in query.recentProgress if progress.numInputRows]


def continuous(spark: SparkSession, folder: Path) -> str:
    """Rows as they come, with a checkpoint every second."""
    numbers = spark.readStream.format("rate").option("rowsPerSecond", 10).load().select("value")
    writer = numbers.writeStream.format("noop").trigger(continuous="1 second")
    query = writer.option("checkpointLocation", str(folder / "checkpoint")).start()
    while not any((folder / "checkpoint" / "commits").glob("[0-9]*")):
        time.sleep(0.05)
    query.stop()
    return "committed"


if __name__ == "__main__":
    cook(recipe)

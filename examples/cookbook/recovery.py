"""N17-N19, N22-N23 State that lasts: a failing batch, recovery, clean-up by watermark, a moved checkpoint.

cauce run examples/cookbook/recovery.py
"""

import shutil
from pathlib import Path

from kitchen import Topic, cook, rows
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def recipe(spark: SparkSession, folder: Path) -> dict:
    topic = Topic(spark, folder / "events", "time timestamp, user string, amount string")
    topic.send(event(0, "ada", "10"), event(1, "bob", "20"))
    run(topic, folder / "checkpoint", folder)
    topic.send(event(2, "ada", "a lot"))
    broken = failure(topic, folder)
    # The batch that failed is repeated, with the same rows, by a program that can read them.
    run(topic, folder / "checkpoint", folder)
    # A stopped query's checkpoint is a folder: copy it and go on from the copy.
    shutil.copytree(folder / "checkpoint", folder / "moved")
    topic.send(event(40, "ada", "1"))
    topic.send(event(41, "ada", "1"))
    last = run(topic, folder / "moved", folder)
    return {
        "a bad row fails its batch": broken,
        "totals, each window once": rows(
            spark.read.schema("start timestamp, user string, total double").json(out(folder))
        ),
        "state rows after the watermark passed the first window": last,
    }


def run(topic: Topic, checkpoint: Path, folder: Path, amount: str = "try_cast(amount AS DOUBLE)") -> int:
    """Process what is there; how many rows the state has then."""
    totals = per_user(topic.frame.withColumn("amount", F.expr(amount)))
    writer = totals.writeStream.format("json").option("checkpointLocation", str(checkpoint))
    query = writer.trigger(availableNow=True).start(out(folder))
    query.awaitTermination()
    progress = query.lastProgress
    return progress.stateOperators[0].numRowsTotal if progress else 0


def per_user(events: DataFrame) -> DataFrame:
    windows = events.withWatermark("time", "10 minutes").groupBy(F.window("time", "5 minutes"), "user")
    return windows.agg(F.sum("amount").alias("total")).select("window.start", "user", "total")


def failure(topic: Topic, folder: Path) -> str:
    try:
        run(topic, folder / "checkpoint", folder, amount="CAST(amount AS DOUBLE)")
    except PySparkException as error:
        return "CAST_INVALID_INPUT" if "CAST_INVALID_INPUT" in str(error) else str(error)
    return "accepted"


def out(folder: Path) -> str:
    return str(folder / "totals")


def event(minute: int, user: str, amount: str) -> dict:
    return {"time": f"2026-01-01 10:{minute:02}:00", "user": user, "amount": amount}


if __name__ == "__main__":
    cook(recipe)

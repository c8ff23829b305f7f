"""Queries with much state, as plain PySpark: many keys, duplicates, joins, sessions, a user's own state."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.state import GroupStateTimeout

__all__ = ["STATEFUL", "state_sizes"]

SCHEMA = "event_time timestamp, key long, user long, value double"
BATCHES_MEASURED = 12


def read(spark: SparkSession, folder: Path, files_per_batch: int = 2) -> DataFrame:
    return spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", files_per_batch).parquet(str(folder))


def count_million_keys(spark: SparkSession, folder: Path) -> tuple[DataFrame, str]:
    return read(spark, folder).groupBy("key").count(), "update"


def deduplicate_users(spark: SparkSession, folder: Path) -> tuple[DataFrame, str]:
    return read(spark, folder).select("user").dropDuplicates(["user"]), "append"


def join_million_keys(spark: SparkSession, folder: Path) -> tuple[DataFrame, str]:
    """Every other row of one stream meets the rows of the other with its key, ten seconds around it."""
    left = read(spark, folder).where("value < 0.25").withWatermark("event_time", "10 seconds").alias("l")
    right = read(spark, folder).where("value > 0.75").withWatermark("event_time", "10 seconds").alias("r")
    near = "l.key = r.key AND r.event_time BETWEEN l.event_time AND l.event_time + INTERVAL 10 SECONDS"
    return left.join(right, F.expr(near)).select("l.key", "l.value", "r.event_time"), "append"


def sessions(spark: SparkSession, folder: Path) -> tuple[DataFrame, str]:
    frame = read(spark, folder).withColumn("key", F.col("key") % 10_000)
    frame = frame.withWatermark("event_time", "1 minute")
    return frame.groupBy(F.session_window("event_time", "1 second"), "key").count(), "append"


def group_state(spark: SparkSession, folder: Path) -> tuple[DataFrame, str]:
    """A running count and sum of 100,000 keys in a user's own function."""
    frame = (
        read(spark, folder, files_per_batch=1).where("value < 0.1").withColumn("key", F.col("key") % 100_000)
    )
    grouped = frame.groupBy("key")
    counted = grouped.applyInPandasWithState(
        add_up,
        "key long, n long, total double",
        "n long, total double",
        "update",
        GroupStateTimeout.NoTimeout,
    )
    return counted, "update"


def add_up(key: tuple, frames: Iterator[pd.DataFrame], state: Any) -> Iterator[pd.DataFrame]:
    n, total = state.get if state.exists else (0, 0.0)
    for frame in frames:
        n, total = n + len(frame), total + float(frame["value"].sum())
    state.update((n, total))
    yield pd.DataFrame({"key": [key[0]], "n": [n], "total": [total]})


STATEFUL = {
    "count_million_keys": count_million_keys,
    "deduplicate_users": deduplicate_users,
    "join_million_keys": join_million_keys,
    "sessions": sessions,
    "group_state": group_state,
}
"""Each gives a frame over a folder of events, and an output mode."""


def state_sizes(spark: SparkSession, folder: Path, work: Path) -> dict[str, float]:
    """Milliseconds of a batch of 100,000 rows over few and over many keys, and of a restart with many."""
    found = {}
    for name in ("few", "many"):
        frame = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).parquet(str(folder / name))
        writer = frame.groupBy("key").agg(F.count("*"), F.sum("value")).writeStream.format("noop")
        checkpoint = work / f"checkpoint-{name}"
        writer = writer.outputMode("update").option("checkpointLocation", str(checkpoint))
        query = writer.trigger(availableNow=True).start()
        query.awaitTermination()
        durations = [p.durationMs["triggerExecution"] for p in query.recentProgress if p.numInputRows]
        last = sorted(durations[-BATCHES_MEASURED:])
        found[f"{name}_ms"] = last[len(last) // 2]
    shutil.copy(sorted((folder / "many").iterdir())[-1], folder / "many" / "one-more.parquet")
    began = time.perf_counter()
    writer.trigger(availableNow=True).start().awaitTermination()
    return found | {"restart_s": time.perf_counter() - began, "ratio": found["many_ms"] / found["few_ms"]}

"""Queries with much state, as plain PySpark: many keys, duplicates, joins, sessions, a user's own state."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, GroupedData, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.state import GroupStateTimeout
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle

__all__ = ["STATEFUL", "state_sizes"]

SCHEMA = "event_time timestamp, key long, user long, value double"
SUMS = "key long, n long, total double"
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
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
    grouped = hundred_thousand_keys(spark, folder)
    timeout = GroupStateTimeout.NoTimeout
    return grouped.applyInPandasWithState(add_up, SUMS, "n long, total double", "update", timeout), "update"


def processor_frames(spark: SparkSession, folder: Path) -> tuple[DataFrame, str]:
    """The same in a processor that takes and gives pandas frames."""
    grouped = hundred_thousand_keys(spark, folder)
    return grouped.transformWithStateInPandas(AddsFrames(), SUMS, "Update", "None"), "update"


def processor_rows(spark: SparkSession, folder: Path) -> tuple[DataFrame, str]:
    """The same in a processor that takes and gives rows."""
    grouped = hundred_thousand_keys(spark, folder)
    return grouped.transformWithState(AddsRows(), SUMS, "Update", "None"), "update"


def hundred_thousand_keys(spark: SparkSession, folder: Path) -> GroupedData:
    # Apache Spark runs processors on this store only.
    spark.conf.set("spark.sql.streaming.stateStore.providerClass", ROCKSDB)
    rows = read(spark, folder, files_per_batch=1).where("value < 0.1")
    return rows.withColumn("key", F.col("key") % 100_000).groupBy("key")


def add_up(key: tuple, frames: Iterator[pd.DataFrame], state: Any) -> Iterator[pd.DataFrame]:
    n, total = state.get if state.exists else (0, 0.0)
    for frame in frames:
        n, total = n + len(frame), total + float(frame["value"].sum())
    state.update((n, total))
    yield pd.DataFrame({"key": [key[0]], "n": [n], "total": [total]})


class Adds(StatefulProcessor):
    """Keeps the number and the sum of a key's values."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.state = handle.getValueState("sums", "n long, total double")

    def add(self, n: int, total: float) -> tuple[int, float]:
        before = self.state.get() or (0, 0.0)
        sums = before[0] + n, before[1] + total
        self.state.update(sums)
        return sums


class AddsFrames(Adds):
    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        for frame in rows:
            n, total = self.add(len(frame), float(frame["value"].sum()))
        yield pd.DataFrame({"key": [key[0]], "n": [n], "total": [total]})


class AddsRows(Adds):
    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        values = [row.value for row in rows]
        n, total = self.add(len(values), sum(values))
        yield Row(key=key[0], n=n, total=total)


STATEFUL = {
    "count_million_keys": count_million_keys,
    "deduplicate_users": deduplicate_users,
    "join_million_keys": join_million_keys,
    "sessions": sessions,
    "group_state": group_state,
    "processor_frames": processor_frames,
    "processor_rows": processor_rows,
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

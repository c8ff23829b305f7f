"""A small pipeline, plain PySpark: functions from streaming DataFrames to streaming DataFrames or writers."""

from collections.abc import Iterable, Iterator

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout

VISIT = "page STRING, visitor STRING, ts TIMESTAMP"


def visits_per_minute(visits: DataFrame) -> DataFrame:
    """One row per page and minute, once no visit of that minute is expected any more."""
    minutes = visits.withWatermark("ts", "1 minute").groupBy(F.window("ts", "1 minute"), "page")
    return minutes.agg(F.count("*").alias("visits")).select("window.start", "page", "visits")


def first_visits(visits: DataFrame) -> DataFrame:
    """The first visit of each visitor within ten minutes."""
    return visits.withWatermark("ts", "10 minutes").dropDuplicatesWithinWatermark(["visitor"])


def gone_visitors(visits: DataFrame) -> DataFrame:
    """A visitor's number of pages, once nothing was heard of him for half an hour of real time."""

    def count(key: tuple[str], frames: Iterable[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
        pages = state.get[0] if state.exists else 0
        if state.hasTimedOut:
            state.remove()
            yield pd.DataFrame({"visitor": [key[0]], "pages": [pages]})
            return
        state.update((pages + sum(len(frame) for frame in frames),))
        state.setTimeoutDuration(30 * 60 * 1000)

    return visits.groupBy("visitor").applyInPandasWithState(
        count,
        outputStructType="visitor STRING, pages LONG",
        stateStructType="pages LONG",
        outputMode="append",
        timeoutConf=GroupStateTimeout.ProcessingTimeTimeout,
    )


def archive(visits: DataFrame, folder: str) -> DataStreamWriter:
    """Every batch in a folder of its own: a repeated batch replaces itself."""

    def save(batch: DataFrame, batch_id: int) -> None:
        batch.write.mode("overwrite").parquet(f"{folder}/batch={batch_id}")

    return visits.writeStream.foreachBatch(save)


def careless_archive(visits: DataFrame, folder: str) -> DataStreamWriter:
    """The same with a mistake: a repeated batch is there twice."""

    def save(batch: DataFrame, batch_id: int) -> None:
        batch.write.mode("append").parquet(folder)

    return visits.writeStream.foreachBatch(save)

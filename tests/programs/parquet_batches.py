"""Parquet files read a few at a time, oldest first or latest first."""

import os
from pathlib import Path

from pyspark.sql import SparkSession
from verbs import EPOCH_OF_FILES_S, sorted_rows


def run(spark: SparkSession, directory: Path):
    for number in range(5):
        target = directory / "written" / str(number)
        spark.range(number * 10, number * 10 + 2).coalesce(1).write.parquet(str(target))
        (part,) = target.glob("*.parquet")
        (directory / "in").mkdir(exist_ok=True)
        os.utime(part, (EPOCH_OF_FILES_S + number, EPOCH_OF_FILES_S + number))
        part.rename(directory / "in" / f"{number}.parquet")
    return {order: batches(spark, directory, order) for order in ("false", "true")}


def batches(spark: SparkSession, directory: Path, latest_first: str):
    reader = (
        spark.readStream.schema("id long").option("maxFilesPerTrigger", 2).option("latestFirst", latest_first)
    )
    writer = (
        reader.parquet(str(directory / "in")).writeStream.format("memory").queryName(f"latest_{latest_first}")
    )
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    rows_per_batch = [progress.numInputRows for progress in query.recentProgress if progress.numInputRows]
    return {"rows per batch": rows_per_batch, "rows": sorted_rows(spark.table(f"latest_{latest_first}"))}

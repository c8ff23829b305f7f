"""Telling cases 1-5, 13, 14: what a watermark closes and drops, batch by batch, in every output mode."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from telling import counts, told
from verbs import Events

TENS = [10, 11, 12, 13, 14, 15]


def run(spark: SparkSession, directory: Path):
    return {
        "1 append": told(spark, directory / "1", counts(), [TENS, [25], [10]]),
        "2 update": told(spark, directory / "2", counts(), [TENS, [25], [10, 25], [10]], "update"),
        "3 complete": told(spark, directory / "3", counts(), [[10, 11, 12], [25], [25], [10]], "complete"),
        "4 by the time itself": told(spark, directory / "4", by_time, [[10], [25]]),
        "5 no batch without data": without_no_data_batches(spark, directory / "5"),
        "13 late by the batch before": told(
            spark, directory / "13", counts(), [[11, 25], [12, 27], [13, 28]]
        ),
        "14 not late in time": told(spark, directory / "14", counts(), [[11, 12], [13, 25], [10]], "update"),
    }


def by_time(events: Events) -> DataFrame:
    return (
        events.with_watermark("10 seconds")
        .groupBy("time")
        .count()
        .select(F.col("time").cast("long"), "count")
    )


def without_no_data_batches(spark: SparkSession, path: Path):
    spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    try:
        return told(spark, path, counts(), [TENS, [25], [10]])
    finally:
        spark.conf.unset("spark.sql.streaming.noDataMicroBatches.enabled")

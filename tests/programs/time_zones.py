"""A session in New York: days, windows and text of times follow its clock, event times do not."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers

# Midnight and noon of 10 March 2024 in New York, the day on which an hour is missing there, in UTC seconds.
MIDNIGHT_S = 1_710_046_800
NOON_S = 1_710_086_400


def run(spark: SparkSession, directory: Path):
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        batches = [[MIDNIGHT_S, NOON_S], [MIDNIGHT_S - 1, NOON_S + 86_400]]
        return {
            "shown": answers(spark, directory / "shown", shown, batches),
            "windows": answers(spark, directory / "windows", windows, batches, "complete"),
            "days": answers(spark, directory / "days", days, batches, "update"),
        }
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


def shown(events: Events) -> DataFrame:
    return events.frame.select(
        F.col("time").cast("string"),
        F.date_format("time", "yyyy-MM-dd HH:mm:ss"),
        F.hour("time"),
        F.to_date("time").cast("string"),
        F.unix_timestamp(F.date_trunc("day", "time")),
        F.unix_timestamp(F.to_timestamp(F.lit("2024-03-10 12:00:00"))),
    )


def windows(events: Events) -> DataFrame:
    counts = (
        events.with_watermark("1 hour").groupBy(F.window("time", "12 hours", "6 hours").alias("w")).count()
    )
    return counts.select(F.unix_timestamp("w.start"), F.col("w.end").cast("string"), "count")


def days(events: Events) -> DataFrame:
    return events.frame.groupBy(F.to_date("time").cast("string").alias("day")).count()

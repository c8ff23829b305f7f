"""dropDuplicates by key for ever, by key and time until the watermark, and within the watermark."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    keys = [[(10, "a"), (11, "b")], [(100, "a"), (101, "c")]]
    timed = [[(10, "x"), (10, "x"), (15, "y")], [(10, "x"), (30, "z")], [(10, "x"), (31, "w")]]
    within = [[(10, "p"), (11, "p")], [(15, "p"), (25, "q")], [(30, "p")]]
    return {
        "key": answers(spark, directory / "key", by_key, keys),
        "key and time": answers(spark, directory / "timed", by_key_and_time, timed),
        "within watermark": answers(spark, directory / "within", within_watermark, within),
    }


def by_key(events: Events) -> DataFrame:
    # One file has one row per key, so that the row that stays does not depend on the engine.
    return events.frame.dropDuplicates(["value"]).select("second", "value")


def by_key_and_time(events: Events) -> DataFrame:
    return events.with_watermark("10 seconds").dropDuplicates(["value", "time"]).select("second", "value")


def within_watermark(events: Events) -> DataFrame:
    return events.with_watermark("10 seconds").dropDuplicatesWithinWatermark(["value"]).select("value")

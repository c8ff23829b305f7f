"""Telling cases 30-34: which duplicates go, when their keys are forgotten, how a limit counts."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from telling import told
from verbs import Events


def run(spark: SparkSession, directory: Path):
    tens = [(second, str(second)) for second in (10, 11, 12, 13, 14, 15)]
    more = [(second, str(second)) for second in (13, 14, 15, 16, 17)]
    return {
        "30 within the watermark": told(
            spark, directory / "30", within("10 seconds"), [tens * 5, more, [(5, "5")], [(35, "35")]]
        ),
        "31 within the watermark by key": told(
            spark,
            directory / "31",
            within("2 seconds"),
            [[(17, "a")], [(16, "a")], [(13, "a")], [(22, "b"), (21, "c")], [(21, "a")]],
        ),
        "32 by key and time": told(
            spark,
            directory / "32",
            by_key_and_time,
            [[(10, "a"), (10, "a"), (15, "b")], [(10, "a"), (30, "c")], [(10, "a"), (31, "d")]],
        ),
        "33 by key": told(spark, directory / "33", by_key, [[10], [100], [1000]]),
        "34 limit": told(
            spark, directory / "34", first_three, [[(1, "a"), (2, "b")], [(3, "c"), (4, "c")], [(5, "d")]]
        ),
    }


def within(delay: str):
    def build(events: Events) -> DataFrame:
        return events.with_watermark(delay).dropDuplicatesWithinWatermark(["value"]).select("value")

    return build


def by_key_and_time(events: Events) -> DataFrame:
    return events.with_watermark("10 seconds").dropDuplicates(["value", "time"]).select("second", "value")


def by_key(events: Events) -> DataFrame:
    return events.with_watermark("10 seconds").dropDuplicates(["value"]).select("second", "value")


def first_three(events: Events) -> DataFrame:
    return events.frame.select("value").limit(3)

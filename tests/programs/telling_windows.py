"""Telling cases 10-12, 16, 17: watermarks that are refused, and where windows begin and end."""

from collections.abc import Callable
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from telling import told
from verbs import Events

REFUSALS = (
    "delay threshold (1 month -40 days) should not be negative",
    "Redefining watermark is disallowed",
    "More than one event time columns are available",
)


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "refused")
    before_1970 = [-0.000001, -5, -5.000001]
    return {
        "10 a delay below zero": refusal(events, lambda: events.with_watermark("1 month -40 days")),
        "11 a second watermark": refusal(
            events,
            lambda: (
                events.with_watermark("1 second").withWatermark("time", "2 seconds").groupBy("time").count()
            ),
        ),
        "12 two event times": refusal(events, lambda: two_event_times(events)),
        "16 before 1970": told(spark, directory / "16", windows("5 seconds"), [before_1970], "complete"),
        "17 slide and start": told(
            spark,
            directory / "17",
            windows("12 minutes", "5 minutes", "2 minutes"),
            [[12 * 3600 + 5 * 60]],
            "complete",
        ),
    }


def windows(*window: str) -> Callable[[Events], DataFrame]:
    def build(events: Events) -> DataFrame:
        grouped = events.frame.groupBy(F.window("time", *window).alias("w")).count()
        return grouped.select(F.unix_micros("w.start"), F.unix_micros("w.end"), "count")

    return build


def two_event_times(events: Events) -> DataFrame:
    """A join of two streams has the event times of both; a grouping can only follow one."""
    one = events.with_watermark("10 seconds").select(F.col("time").alias("left_time"), "value")
    other = events.with_watermark("5 seconds").select(F.col("time").alias("right_time"), "value")
    near = "left_time BETWEEN right_time AND right_time + INTERVAL 1 SECOND"
    joined = one.join(other, (one.value == other.value) & F.expr(near))
    return joined.groupBy("left_time", "right_time").count()


def refusal(events: Events, build: Callable[[], DataFrame]) -> str:
    """What the query is refused with: at start(), or by Spark once a watermark is above zero."""
    try:
        query = build().writeStream.format("noop").outputMode("append").start()
        try:
            for second in (100, 200):
                events.add(second)
                query.processAllAvailable()
        finally:
            query.stop()
    except PySparkException as error:
        return next((text for text in REFUSALS if text in str(error)), str(error))
    return "accepted"

"""Telling cases 35-38: sessions grow, merge, touch and vanish."""

from collections.abc import Callable
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from telling import told
from verbs import Events


def run(spark: SparkSession, directory: Path):
    gap = F.when(F.col("value") == "none", "0 seconds").when(F.col("value") == "back", "-10 seconds")
    dynamic = gap.otherwise("1 second")
    return {
        "35 an event between two": told(
            spark, directory / "35", sessions("10 seconds"), [[40], [25], [30]], "complete"
        ),
        "36 late by its own end": told(
            spark, directory / "36", sessions("10 seconds", "10 seconds"), [[21], [0, 2], [60]]
        ),
        "37 no gap": told(
            spark,
            directory / "37",
            sessions(dynamic),
            [[(40, "a"), (41, "a"), (40, "none"), (41, "back")]],
            "complete",
        ),
        "38 that touch": told(spark, directory / "38", sessions("5 seconds"), [[10], [15], [21]], "complete"),
    }


def sessions(gap: str | Column, delay: str | None = None) -> Callable[[Events], DataFrame]:
    def build(events: Events) -> DataFrame:
        frame = events.with_watermark(delay) if delay else events.frame
        grouped = frame.groupBy(F.session_window("time", gap).alias("s"), "value").count()
        return grouped.select("value", F.col("s.start").cast("long"), F.col("s.end").cast("long"), "count")

    return build

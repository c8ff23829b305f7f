"""Session windows in batches: merged where events touch, by key, filtered, and with gaps of their own."""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

EVENTS = [
    ("ada", "2026-01-01 10:00:00", 1, 5),
    ("ada", "2026-01-01 10:05:00", 2, 1),
    ("bob", "2026-01-01 10:01:00", 4, 5),
    ("ada", "2026-01-01 10:10:01", 8, 5),
    ("bob", "2026-01-01 10:03:00", 16, 5),
    (None, "2026-01-01 10:03:00", 32, 5),
    ("bob", None, 64, 5),
]


def run(spark: SparkSession, directory: Path) -> Any:
    events = spark.createDataFrame(EVENTS, "user string, time string, amount int, minutes int")
    events = events.withColumn("time", F.to_timestamp("time"))
    session = F.session_window("time", "5 minutes")
    own_gap = F.session_window("time", F.concat(F.col("minutes").cast("string"), F.lit(" minutes")))
    watermarked = events.withWatermark("time", "1 minute")
    frames = {
        "by user": events.groupBy(session, "user").agg(F.sum("amount"), F.count("*").alias("n")),
        "of all": events.groupBy(session).count(),
        "named": events.groupBy("user", session.alias("s")).count().select("user", "s.*", "count"),
        "with a watermark": watermarked.groupBy("user", session).count(),
        "own gaps": events.groupBy("user", own_gap).agg(F.max("amount").alias("most")),
        "some": events.groupBy(session, "user").count().where("count > 1").select("session_window.*", "user"),
    }
    return {name: [frame.dtypes, rows(frame)] for name, frame in frames.items()}


def rows(frame: Any) -> list:
    return sorted(([str(value) for value in row] for row in frame.collect()), key=str)

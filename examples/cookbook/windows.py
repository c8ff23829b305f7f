"""N8-N10 Windows: tumbling with a watermark, sliding, and sessions.

    cauce run examples/cookbook/windows.py

The watermark follows the newest event at a distance of 10 minutes. A window's answer is final, and its state
goes, when the watermark has passed its end; an event older than that is dropped and counted in the progress.
"""

from pathlib import Path

from kitchen import Topic, answers, cook, run_available
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

EVENT = "time timestamp, user string"


def at(time: str, user: str = "ada") -> dict:
    return {"time": f"2026-01-01 {time}", "user": user}


def recipe(spark: SparkSession, folder: Path) -> dict:
    late, tumbled, slid, visited = (
        Topic(spark, folder / name, EVENT) for name in ("late", "tumbled", "slid", "visited")
    )
    for topic in (tumbled, slid):
        topic.send(at("00:01:00"), at("00:07:00"), at("00:12:00", "bob"))
    visited.send(at("00:00:00"), at("00:05:00"), at("00:40:00"))
    visited.send(at("02:00:00", "bob"))
    return {
        "5 minutes per user, watermark 10 minutes": answers(
            per_user(late.frame),
            late,
            [[at("12:01:00"), at("12:04:00")], [at("12:17:00")], [at("12:02:00")], [at("12:40:00")]],
        ),
        "tumbling 10 minutes": run_available(tumbling(tumbled.frame), "complete"),
        "sliding 10 minutes every 5": run_available(sliding(slid.frame), "complete"),
        "sessions with a gap of 30 minutes: 00:00 and 00:05 are one, 00:40 another": run_available(
            sessions(visited.frame)
        ),
    }


def per_user(events: DataFrame) -> DataFrame:
    windows = (
        events.withWatermark("time", "10 minutes").groupBy(F.window("time", "5 minutes"), "user").count()
    )
    return windows.select("window.start", "user", "count")


def tumbling(events: DataFrame) -> DataFrame:
    return events.groupBy(F.window("time", "10 minutes").start.alias("start")).count()


def sliding(events: DataFrame) -> DataFrame:
    return events.groupBy(F.window("time", "10 minutes", "5 minutes").start.alias("start")).count()


def sessions(events: DataFrame) -> DataFrame:
    gaps = F.session_window("time", "30 minutes")
    found = events.withWatermark("time", "10 minutes").groupBy(gaps, "user").count()
    return found.select("session_window.start", "session_window.end", "user", "count")


if __name__ == "__main__":
    cook(recipe)

"""N4 Event time against processing time: a click of 10:00 that arrives at 10:30 counts for 10:00.

cauce run examples/cookbook/event_time.py
"""

from pathlib import Path

from kitchen import Topic, cook, run_available
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def recipe(spark: SparkSession, folder: Path) -> dict:
    clicks = Topic(spark, folder / "clicks", "time timestamp, arrived timestamp, user string")
    clicks.send({"time": "2026-01-01 10:00:00", "arrived": "2026-01-01 10:00:01", "user": "ada"})
    clicks.send({"time": "2026-01-01 10:00:00", "arrived": "2026-01-01 10:30:00", "user": "bob"})
    clicks.send({"time": "2026-01-01 10:30:00", "arrived": "2026-01-01 10:30:01", "user": "cleo"})

    def per_half_hour(column: str):
        return clicks.frame.groupBy(F.window(column, "30 minutes").start.alias("start")).count()

    return {
        "by event time: both clicks of 10:00 count for 10:00": run_available(
            per_half_hour("time"), "complete"
        ),
        "by arrival: the late click counts for 10:30": run_available(per_half_hour("arrived"), "complete"),
    }


if __name__ == "__main__":
    cook(recipe)

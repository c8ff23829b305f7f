"""N16 Five kinds of state: per user, per window, across two streams, for duplicates, and one's own.

cauce run examples/cookbook/state_tour.py
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from kitchen import Topic, cook, run_available
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout

EVENT = "event_id string, time timestamp, user string, session string"


def recipe(spark: SparkSession, folder: Path) -> dict:
    events = Topic(spark, folder / "events", EVENT)
    payments = Topic(spark, folder / "payments", "paid timestamp, session string, amount double")
    events.send(event("e1", 0, "ada", "s1"), event("e2", 1, "ada", "s1"))
    events.send(event("e2", 1, "ada", "s1"), event("e3", 7, "bob", "s2"))
    payments.send({"paid": "2026-01-01 10:02:00", "session": "s1", "amount": 5.0})
    return {
        "per user": run_available(per_user(events.frame), "complete"),
        "per window": run_available(per_window(events.frame), "complete"),
        "events joined to payments of the session": run_available(joined(events.frame, payments.frame)),
        "each event once": run_available(deduplicated(events.frame).select("event_id")),
        "a running number per user": run_available(numbered(events.frame), "update"),
    }


def per_user(events: DataFrame) -> DataFrame:
    return events.groupBy("user").count()


def per_window(events: DataFrame) -> DataFrame:
    return events.groupBy(F.window("time", "5 minutes").start.alias("start")).count()


def joined(events: DataFrame, payments: DataFrame) -> DataFrame:
    left = deduplicated(events)
    right = payments.withWatermark("paid", "10 minutes").withColumnRenamed("session", "paid_session")
    condition = "session = paid_session AND paid BETWEEN time AND time + INTERVAL 10 MINUTES"
    return left.join(right, F.expr(condition)).select("event_id", "session", "amount")


def deduplicated(events: DataFrame) -> DataFrame:
    return events.withWatermark("time", "10 minutes").dropDuplicatesWithinWatermark(["event_id"])


def numbered(events: DataFrame) -> DataFrame:
    def count(
        key: tuple[Any, ...], frames: Iterator[pd.DataFrame], state: GroupState
    ) -> Iterator[pd.DataFrame]:
        total = (state.get[0] if state.exists else 0) + sum(len(frame) for frame in frames)
        state.update((total,))
        yield pd.DataFrame({"user": key, "total": [total]})

    schema = "user string, total long"
    users = events.groupBy("user")
    return users.applyInPandasWithState(count, schema, "total long", "update", GroupStateTimeout.NoTimeout)


def event(event_id: str, minute: int, user: str, session: str) -> dict:
    return {"event_id": event_id, "time": f"2026-01-01 10:{minute:02}:00", "user": user, "session": session}


if __name__ == "__main__":
    cook(recipe)

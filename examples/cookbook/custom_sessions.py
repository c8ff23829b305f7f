"""N20 Sessions of one's own making: user, duration, events and revenue, closed after 30 minutes of silence.

cauce run examples/cookbook/custom_sessions.py
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from kitchen import Topic, answers, cook
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout

TIMEOUT_MS = 30 * 60 * 1000
STATE = "first_s long, last_s long, events long, revenue double"
SESSION = "user string, duration_s long, events long, revenue double"


def recipe(spark: SparkSession, folder: Path) -> dict:
    events = Topic(spark, folder / "events", "time timestamp, user string, revenue double")
    deliveries = [
        [event("10:00", "ada", 5.0), event("10:10", "ada", 0.0), event("10:05", "bob", 1.0)],
        [event("10:20", "ada", 2.5)],
        [event("12:00", "cleo", 0.0)],
    ]
    return {
        "user, seconds, events, revenue of sessions that ended": answers(
            sessions(events.frame), events, deliveries
        )
    }


def sessions(events: DataFrame) -> DataFrame:
    users = events.withWatermark("time", "1 minute").groupBy("user")
    return users.applyInPandasWithState(follow, SESSION, STATE, "append", GroupStateTimeout.EventTimeTimeout)


def follow(key: tuple[Any, ...], frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
    """Add events to the user's session, or close the session when its time is up."""
    if state.hasTimedOut:
        first_s, last_s, events, revenue = state.get
        state.remove()
        columns = {"user": key, "duration_s": [last_s - first_s], "events": [events], "revenue": [revenue]}
        yield pd.DataFrame(columns)
        return
    first_s, last_s, events, revenue = state.get if state.exists else (None, 0, 0, 0.0)
    for frame in frames:
        seconds = frame["time"].astype("datetime64[s]").astype("int64")
        first_s = int(seconds.min()) if first_s is None else min(first_s, int(seconds.min()))
        last_s = max(last_s, int(seconds.max()))
        events += len(frame)
        revenue += float(frame["revenue"].sum())
    state.update((first_s, last_s, events, revenue))
    state.setTimeoutTimestamp(last_s * 1000 + TIMEOUT_MS)


def event(time: str, user: str, revenue: float) -> dict:
    return {"time": f"2026-01-01 {time}:00", "user": user, "revenue": revenue}


if __name__ == "__main__":
    cook(recipe)

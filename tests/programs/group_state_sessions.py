"""applyInPandasWithState with event-time timeouts: each user's events are counted until the user is idle."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout
from verbs import Events, answers


def count_until_idle(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
    if state.hasTimedOut:
        (count, last_ms) = state.get
        rows = sum(len(frame) for frame in frames)
        state.remove()
        yield pd.DataFrame(
            {"value": [key[0]], "events": [count], "last_ms": [last_ms], "what": [f"idle {rows}"]}
        )
        return
    count, last_ms = state.get if state.exists else (0, 0)
    for frame in frames:
        count += len(frame)
        last_ms = max(last_ms, int(frame["second"].max() * 1000))
    state.update((count, last_ms))
    state.setTimeoutTimestamp(max(last_ms + 5000, state.getCurrentWatermarkMs()))
    yield pd.DataFrame({"value": [key[0]], "events": [count], "last_ms": [last_ms], "what": ["seen"]})


def run(spark: SparkSession, directory: Path):
    def build(events: Events) -> DataFrame:
        return (
            events.with_watermark("10 seconds")
            .groupBy("value")
            .applyInPandasWithState(
                count_until_idle,
                "value string, events long, last_ms long, what string",
                "count long, last_ms long",
                "append",
                GroupStateTimeout.EventTimeTimeout,
            )
        )

    batches = [
        [(1, "a"), (2, "b"), (3, "a")],
        [(12, "b"), (4, None), (5, None)],
        [(19, "c")],
        [(3, "a"), (25, "c")],
        [(40, "c")],
    ]
    return answers(spark, directory / "events", build, batches)

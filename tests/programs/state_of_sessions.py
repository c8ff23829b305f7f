"""The state of session windows, and of functions over groups (applyInPandasWithState)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout
from state_verbs import changes, metadata, state, turns
from verbs import Events

BATCHES = [[(1, "a"), (2, "b"), (8, "a")], [(3, "a"), (20, "b")], [(40, "c")]]


def run(spark: SparkSession, directory: Path):
    found = {}
    for name, build in QUERIES.items():
        checkpoint = directory / name
        events = Events(spark, directory / f"{name}-events")
        turns(build(events), events, checkpoint, BATCHES)
        found[name] = {
            "first": state(spark, checkpoint, batchId=0),
            "second": state(spark, checkpoint, batchId=1),
            "last": state(spark, checkpoint),
            "changes": changes(spark, checkpoint, changeStartBatchId=0),
            "metadata": metadata(spark, checkpoint),
        }
    return found


def sessions(events: Events) -> DataFrame:
    timed = events.with_watermark("10 seconds")
    return timed.groupBy(F.session_window("time", "5 seconds"), "value").count()


def counted(timeout: str):
    def build(events: Events) -> DataFrame:
        timed = events.with_watermark("10 seconds")
        return timed.groupBy("value").applyInPandasWithState(
            count_seen if timeout == GroupStateTimeout.NoTimeout else count_until_idle,
            "value string, n long",
            "n long, last string",
            "append",
            timeout,
        )

    return build


def count_seen(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
    count = state.get[0] if state.exists else 0
    count += sum(len(frame) for frame in frames)
    state.update((count, f"{key[0]}{count}"))
    yield pd.DataFrame({"value": [key[0]], "n": [count]})


def count_until_idle(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
    if state.hasTimedOut:
        state.remove()
        return
    yield from count_seen(key, frames, state)
    state.setTimeoutTimestamp(max(state.getCurrentWatermarkMs(), 0) + 25_000)


QUERIES = {
    "sessions": sessions,
    "groups": counted(GroupStateTimeout.NoTimeout),
    "groups_with_timeout": counted(GroupStateTimeout.EventTimeTimeout),
}

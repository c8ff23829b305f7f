"""Telling case 39: a timeout fires strictly before the watermark; a call without one clears it."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout
from telling import told
from verbs import Events


def wait(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
    """The value is a key and a timeout in milliseconds, or a key alone: `a:999`, `a:`."""
    said = ""
    if state.hasTimedOut:
        said = "timed out"
        state.remove()
    for frame in frames:
        for timeout in frame["timeout"]:
            said += f"called {timeout} "
            state.update((len(said),))
            if timeout:
                state.setTimeoutTimestamp(int(timeout))
    yield pd.DataFrame({"value": [key[0]], "said": [said]})


def run(spark: SparkSession, directory: Path):
    timeouts = [(0.1, "before:999"), (0.1, "at:1000"), (0.1, "after:1001"), (0.1, "cleared:999")]
    steps = [timeouts, [(0.2, "cleared:")], [(1, "other:")], [(1.002, "other:")]]
    return {"39 timeouts": told(spark, directory / "39", waiting, steps)}


def waiting(events: Events) -> DataFrame:
    keyed = events.with_watermark("0 seconds").selectExpr(
        "split(value, ':')[0] AS value", "split(value, ':')[1] AS timeout", "time"
    )
    return keyed.groupBy("value").applyInPandasWithState(
        wait, "value string, said string", "n int", "append", GroupStateTimeout.EventTimeTimeout
    )

"""Processing-time timers: one that is due at once fires in its own batch, one in an hour never does here."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import Events, rocks_db, turn


class Alarms(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.count = handle.getValueState("count", "n long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        now_ms = timerValues.getCurrentProcessingTimeInMs()
        count = (self.count.get() or (0,))[0] + sum(len(frame) for frame in rows)
        self.count.update((count,))
        for offset_ms in (-2000, 0, -1000, 3_600_000):
            self.handle.registerTimer(now_ms + offset_ms)
        later = sum(ms > now_ms for ms in self.handle.listTimers())
        yield row(key, f"rows {count}, watermark {timerValues.getCurrentWatermarkInMs()}, later {later}")

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[pd.DataFrame]:
        late_ms = timerValues.getCurrentProcessingTimeInMs() - expiredTimerInfo.getExpiryTimeInMs()
        if late_ms == 2000:
            self.count.update((self.count.get()[0] + 100,))
        yield row(
            key, f"timer {late_ms} with {self.count.get()}, {len(list(self.handle.listTimers()))} timers"
        )


def row(key: tuple, what: str) -> pd.DataFrame:
    return pd.DataFrame({"key": [key[0]], "what": [what]})


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    alarmed = events.frame.groupBy("value").transformWithStateInPandas(
        Alarms(), "key string, what string", "Append", "ProcessingTime"
    )
    found = []
    with rocks_db(spark, no_data_batches=False):
        for values in ("ab", "b"):
            events.add(*((1, value) for value in values))
            found.append(turn(alarmed, directory))
    return found

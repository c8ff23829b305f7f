"""transformWithState with event-time timers: each user's latest event, and a row once the user is idle."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import Events, answers, rocks_db

SCHEMA = "value string, last long"


class LatestInPandas(StatefulProcessor):
    """Timers five seconds after the latest event; the old one is deleted."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.latest = handle.getValueState("latest", "second long")
        self.timer = handle.getValueState("timer", "ms long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        known = self.latest.get()
        seconds = [int(second) for frame in rows for second in frame["second"]]
        last = max([*seconds, *(known or ())])
        expiry_ms = (last + 5) * 1000
        timer = self.timer.get()
        if timer is not None:
            self.handle.deleteTimer(timer[0])
        self.handle.registerTimer(expiry_ms)
        self.timer.update((expiry_ms,))
        self.latest.update((last,))
        yield pd.DataFrame({"value": [key[0]], "last": [last]})

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[pd.DataFrame]:
        self.latest.clear()
        self.timer.clear()
        yield pd.DataFrame({"value": [key[0]], "last": [-1]})


class Latest(LatestInPandas):
    """The same over rows."""

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for frame in super().handleInputRows(key, iter([pd.DataFrame([r.asDict() for r in rows])]), None):
            yield from (Row(**record) for record in frame.to_dict("records"))

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        list(super().handleExpiredTimer(key, timerValues, expiredTimerInfo))
        yield Row(last=-1, value=key[0])


class Calls(StatefulProcessor):
    """What the timers of a key are, and what the clock says, at every call."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        seconds = sorted(int(row.second) for row in rows)
        for second in seconds:
            self.handle.registerTimer(second * 1000 + 1000)
            self.handle.registerTimer(second * 1000 + 1000)
        self.handle.deleteTimer(1)
        yield Row(value=key[0], what=f"{seconds} {self.told(timerValues)}")

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        expired_ms = expiredTimerInfo.getExpiryTimeInMs()
        if expired_ms == 12000:
            self.handle.registerTimer(13000)  # It is due, but for the next batch.
            self.handle.registerTimer(99000)
            self.handle.deleteTimer(16000)  # It is due too: too late to keep it from firing.
        yield Row(value=key[0], what=f"timer {expired_ms} {self.told(timerValues)}")

    def told(self, timerValues) -> str:
        return f"{sorted(self.handle.listTimers())} at {timerValues.getCurrentWatermarkInMs()}"


def run(spark: SparkSession, directory: Path):
    def in_pandas(events: Events) -> DataFrame:
        users = events.with_watermark("10 seconds").groupBy("value")
        return users.transformWithStateInPandas(LatestInPandas(), SCHEMA, "Update", "EventTime")

    def in_rows(events: Events) -> DataFrame:
        users = events.with_watermark("10 seconds").groupBy("value")
        return users.transformWithState(Latest(), SCHEMA, "Update", "EventTime")

    def calls(events: Events) -> DataFrame:
        users = events.with_watermark("10 seconds").groupBy("value")
        return users.transformWithState(Calls(), "value string, what string", "Append", "eventtime")

    batches = [
        [(11, "a"), (13, "a"), (15, "a")],
        [(4, "a")],
        [(10, "a")],
        [(31, "b")],
        [(50, None), (51, None)],
        [(80, "a")],
    ]
    with rocks_db(spark):
        return {
            "pandas": answers(spark, directory / "pandas", in_pandas, batches, "update"),
            "rows": answers(spark, directory / "rows", in_rows, batches, "update"),
            "calls": answers(
                spark,
                directory / "calls",
                calls,
                [[(11, "a"), (15, "a")], [(5, "b"), (30, "b")], [(31, "b")], [(60, "a")]],
            ),
        }

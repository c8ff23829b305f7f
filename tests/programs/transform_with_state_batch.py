"""transformWithState over a batch frame: one batch from empty state, and nothing remembered."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import outcome, sorted_rows


class Sums(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.sum = handle.getValueState("sum", "n long")

    def handleInitialState(self, key, initialState, timerValues) -> None:
        self.sum.update((initialState.start,))

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in sorted(rows, key=lambda row: row.n):
            self.sum.update(((self.sum.get() or (0,))[0] + row.n,))
        known = (timerValues.getCurrentWatermarkInMs(), timerValues.getCurrentProcessingTimeInMs() > 0)
        yield Row(k=key[0], sum=self.sum.get()[0], known=str(known))


class SumsInPandas(Sums):
    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        total = sum(int(frame["n"].sum()) for frame in rows)
        yield pd.DataFrame({"k": [key[0]], "sum": [total], "known": [str(len(key))]})


class Timed(Sums):
    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        now_ms = timerValues.getCurrentProcessingTimeInMs()
        self.handle.registerTimer(now_ms)
        self.handle.registerTimer(now_ms + 3_600_000)
        yield Row(k=key[0], sum=0, known="rows")

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        yield Row(k=key[0], sum=1, known="timer")


def run(spark: SparkSession, directory: Path):
    numbers = spark.createDataFrame([("a", 1), ("b", 2), ("a", 3), (None, 4), ("b", 5)], "k string, n long")
    schema = "k string, sum long, known string"
    initial = spark.createDataFrame([("a", 100), ("z", 7)], "k string, start long").groupBy("k")
    grouped = numbers.groupBy("k")
    frames = {
        "rows": lambda: grouped.transformWithState(Sums(), schema, "Update", "None"),
        "pandas": lambda: grouped.transformWithStateInPandas(SumsInPandas(), schema, "Append", "None"),
        "initial": lambda: grouped.transformWithState(Sums(), schema, "Update", "None", initial),
        "processing time": lambda: grouped.transformWithState(Timed(), schema, "Update", "ProcessingTime"),
        "event time": lambda: grouped.transformWithState(Sums(), schema, "Update", "EventTime"),
        "computed key": lambda: numbers.groupBy((F.col("n") % 2).alias("odd")).transformWithState(
            Sums(), "k long, sum long, known string", "Update", "None"
        ),
        "two keys": lambda: numbers.groupBy("k", "n").transformWithStateInPandas(
            SumsInPandas(), schema, "Append", "None"
        ),
        "and on": lambda: (
            grouped.transformWithState(Sums(), schema, "Update", "None")
            .where("sum > 4")
            .select("k")
            .distinct()
        ),
        "complete": lambda: grouped.transformWithState(Sums(), schema, "Complete", "None"),
        "empty": lambda: (
            numbers.where("n > 9").groupBy("k").transformWithState(Sums(), schema, "Update", "None")
        ),
    }
    return {name: outcome(lambda: sorted_rows(build())) for name, build in frames.items()}  # noqa: B023

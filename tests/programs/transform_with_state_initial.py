"""Initial state: the keys of the first batch start from it, those without events too; later ones do not."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import Events, rocks_db, turn


class CountInRows(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.count = handle.getValueState("count", "n long")

    def handleInitialState(self, key, initialState, timerValues) -> None:
        self.count.update(((self.count.get() or (0,))[0] + initialState.start,))

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        count = (self.count.get() or (0,))[0] + len(list(rows))
        self.count.update((count,))
        yield Row(value=key[0], count=count)


class CountInPandas(CountInRows):
    def handleInitialState(self, key, initialState, timerValues) -> None:
        self.count.update((int(initialState["start"].sum()),))

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        count = (self.count.get() or (0,))[0] + sum(len(frame) for frame in rows)
        self.count.update((count,))
        yield pd.DataFrame({"value": [key[0]], "count": [count]})


def run(spark: SparkSession, directory: Path):
    initial = spark.createDataFrame([("a", 10), ("a", 5), ("z", 1000)], "name string, start long")
    found = {}
    with rocks_db(spark):
        for name in ("rows", "pandas"):
            events = Events(spark, directory / name / "in")
            users = events.frame.groupBy("value")
            if name == "rows":
                counts = users.transformWithState(
                    CountInRows(), "value string, count long", "Append", "None", initial.groupBy("name")
                )
            else:
                counts = users.transformWithStateInPandas(
                    CountInPandas(), "value string, count long", "Append", "None", initial.groupBy("name")
                )
            found[name] = []
            for values in ("ab", "aaz", "b"):
                events.add(*((1, value) for value in values))
                found[name].append(turn(counts, directory / name))
    return found

"""What progress says about transformWithState: the operator's name, its rows and its own metrics."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import Events, rocks_db

OURS = (
    "numDeletedStateVars", "numDeletedTimers", "numExpiredTimers", "numListStateVars",
    "numListStateWithTTLVars",
    "numMapStateVars", "numMapStateWithTTLVars", "numRegisteredTimers", "numValueStateVars",
    "numValueStateWithTTLVars", "numValuesRemovedDueToTTLExpiry",
)  # fmt: skip
TIMES = ("initialStateProcessingTimeMs", "timerProcessingTimeMs")


class Busy(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.value = handle.getValueState("value", "n long")
        self.items = handle.getListState("items", "n long")
        self.parts = handle.getMapState("parts", "k long", "n long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in rows:
            self.handle.registerTimer(int(row.second * 1000))
            self.handle.registerTimer(int(row.second * 1000) + 1000)
            self.handle.deleteTimer(int(row.second * 1000) + 1000)
            self.value.update((1,))
            self.items.appendValue((1,))
            self.parts.updateValue((int(row.second),), (1,))
        yield Row(value=key[0])

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        self.value.clear()
        self.items.clear()
        self.parts.clear()
        yield Row(value=key[0])


class BusyInPandas(Busy):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.value = handle.getValueState("value", "n long", 1)
        self.items = handle.getListState("items", "n long", 1)
        self.parts = handle.getMapState("parts", "k long", "n long", 1)

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        for frame in rows:
            for second in frame["second"]:
                self.value.update((1,))
                self.items.appendList([(1,), (2,)])
                self.parts.updateValue((int(second),), (1,))
        yield pd.DataFrame({"value": [key[0]]})


def run(spark: SparkSession, directory: Path):
    found = {}
    with rocks_db(spark, no_data_batches=False):
        for name in ("rows", "pandas"):
            events = Events(spark, directory / name / "in", maxFilesPerTrigger="1")
            events.add((10, "a"), (11, "a"), (12, "b"))
            events.add((30, "b"), (1, "c"))
            events.add((1, "c"), (31, "b"))
            keyed = events.with_watermark("10 seconds").groupBy("value")
            if name == "rows":
                frame = keyed.transformWithState(Busy(), "value string", "Update", "EventTime")
            else:
                frame = keyed.transformWithStateInPandas(
                    BusyInPandas(), "value string", "Update", "ProcessingTime"
                )
            found[name] = told(frame, directory / name)
    return found


def told(frame, directory: Path) -> dict:
    writer = frame.writeStream.format("noop").outputMode("update")
    query = writer.option("checkpointLocation", str(directory / "checkpoint"))
    query = query.trigger(availableNow=True).start()
    query.awaitTermination()
    states = [progress["stateOperators"][0] for progress in query.recentProgress]
    return {
        "operator": states[0]["operatorName"],
        "rows in": [progress["sources"][0]["numInputRows"] for progress in query.recentProgress],
        "late": [state["numRowsDroppedByWatermark"] for state in states],
        "metrics": [{name: state["customMetrics"].get(name) for name in OURS} for state in states],
        "times": [name in states[0]["customMetrics"] for name in TIMES],
    }

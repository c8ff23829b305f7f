"""The state of transformWithState: each variable by its name, flattened or whole, with its timers."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from state_verbs import metadata, state, turns
from verbs import Events, rocks_db

BATCHES = [[(1, "a"), (2, "b"), (3, "a")], [(4, "a"), (5, "é")]]


class Seen(StatefulProcessor):
    """Keeps the count, the moments and the moments by parity of each value; wakes once for each."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.count = handle.getValueState("count", "n long")
        self.moments = handle.getListState("moments", "second double")
        self.parity = handle.getMapState("parity", "odd boolean", "second double")
        self.fleeting = handle.getValueState("fleeting", "n long", 3_600_000)

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        for frame in rows:
            for second in frame["second"]:
                self.count.update(((self.count.get() or (0,))[0] + 1,))
                self.moments.appendValue((second,))
                self.parity.updateValue((int(second) % 2 == 1,), (second,))
                self.fleeting.update((int(second),))
                self.handle.registerTimer(int(second) * 1000 + 60_000)
        yield pd.DataFrame({"value": [key[0]], "n": [self.count.get()[0]]})

    def close(self) -> None:
        pass


def run(spark: SparkSession, directory: Path):
    with rocks_db(spark, no_data_batches=False):
        return processed(spark, directory)


def processed(spark: SparkSession, directory: Path):
    checkpoint = directory / "checkpoint"
    events = Events(spark, directory / "events")
    timed = events.with_watermark("10 seconds").groupBy("value")
    frame = timed.transformWithStateInPandas(Seen(), "value string, n long", "update", "ProcessingTime")
    turns(frame, events, checkpoint, BATCHES, "update")
    whole = {"flattenCollectionTypes": False}
    fleeting = state(spark, checkpoint, stateVarName="fleeting")
    return {
        "count": state(spark, checkpoint, stateVarName="count"),
        "count at first": state(spark, checkpoint, stateVarName="count", batchId=0),
        "moments": state(spark, checkpoint, stateVarName="moments"),
        "moments whole": state(spark, checkpoint, stateVarName="moments", **whole),
        "parity": state(spark, checkpoint, stateVarName="parity"),
        "parity whole": state(spark, checkpoint, stateVarName="parity", **whole),
        "fleeting": fleeting.get("schema", fleeting),
        "unknown": state(spark, checkpoint, stateVarName="unknown"),
        "nothing named": state(spark, checkpoint),
        "timers": state(spark, checkpoint, readRegisteredTimers=True),
        "metadata": metadata(spark, checkpoint),
    }

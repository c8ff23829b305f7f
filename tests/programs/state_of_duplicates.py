"""The state of dropDuplicates (for ever, with their time, within the watermark) and of limit."""

from pathlib import Path

from pyspark.sql import SparkSession
from state_verbs import changes, metadata, state, turns
from verbs import Events

BATCHES = [[(10, "a"), (11, "b"), (12, "a")], [(15, "a"), (30, "c")], [(31, "d")]]


def run(spark: SparkSession, directory: Path):
    found = {}
    for name, build in QUERIES.items():
        checkpoint = directory / name
        events = Events(spark, directory / f"{name}-events")
        turns(build(events), events, checkpoint, BATCHES)
        found[name] = {
            "first": state(spark, checkpoint, batchId=0),
            "last": state(spark, checkpoint),
            "changes": changes(spark, checkpoint, changeStartBatchId=0),
            "metadata": metadata(spark, checkpoint),
        }
    return found


QUERIES = {
    "key": lambda events: events.frame.dropDuplicates(["value"]),
    "key_and_time": lambda events: events.with_watermark("10 seconds").dropDuplicates(["value", "time"]),
    "within": lambda events: events.with_watermark("10 seconds").dropDuplicatesWithinWatermark(["value"]),
    "limit": lambda events: events.frame.select("value").limit(4),
}

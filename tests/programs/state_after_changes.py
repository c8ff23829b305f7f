"""A restart with another query: which changes of keys, values and operators the state allows."""

from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from state_verbs import error_of
from verbs import Events

Build = Callable[[Events], DataFrame]


def run(spark: SparkSession, directory: Path):
    return {
        name: change(spark, directory / name.replace(" ", "_").replace(",", ""), *pair)
        for name, pair in CHANGES.items()
    }


def change(spark: SparkSession, directory: Path, before: Build, after: Build):
    """What the second query answers over the checkpoint of the first."""
    events = Events(spark, directory / "events")
    events.add((10, "a"), (11, "b"))
    start(before(events), directory)
    events.add((12, "a"))
    error = error_of(lambda: start(after(events), directory), directory)
    return None if error is None else said(error["message"])


def said(message: str) -> str:
    """The condition that ended the query and its text, without what follows about the query itself."""
    return message[message.index("exception: ") :].split(" SQLSTATE")[0]


def start(frame: DataFrame, directory: Path) -> None:
    writer = frame.writeStream.format("noop").outputMode("update")
    writer = writer.option("checkpointLocation", str(directory / "checkpoint"))
    writer.trigger(availableNow=True).start().awaitTermination()


def by(*keys: str) -> Build:
    return lambda events: (
        events.frame.withColumn("whole", F.col("second").cast("long")).groupBy(*keys).count()
    )


def aggregates(*texts: str) -> Build:
    return lambda events: events.frame.groupBy("value").agg(*map(F.expr, texts))


def counts(events: Events) -> DataFrame:
    return events.frame.groupBy("value").count()


def distinct(events: Events) -> DataFrame:
    return events.frame.dropDuplicates(["value"]).select("value")


def stateless(events: Events) -> DataFrame:
    return events.frame.select("value")


CHANGES: dict[str, tuple[Build, Build]] = {
    "same": (counts, counts),
    "key type": (by("value"), by("whole")),
    "key added": (by("value"), by("value", "whole")),
    "key removed": (by("value", "whole"), by("value")),
    "key renamed": (by("value"), lambda events: by("renamed")(_renamed(events))),
    "value type": (aggregates("max(second)"), aggregates("max(value)")),
    "value added": (aggregates("max(second)"), aggregates("max(second)", "count(*)")),
    "value removed": (aggregates("max(second)", "count(*)"), aggregates("max(second)")),
    "value renamed": (aggregates("max(second) as a"), aggregates("max(second) as b")),
    "other function, same type": (aggregates("max(second)"), aggregates("min(second)")),
    "other operator": (counts, distinct),
    "operator removed": (counts, stateless),
    "operator added": (stateless, counts),
    "operator on top": (
        distinct,
        lambda events: distinct(events).groupBy("value").count(),
    ),
}


def _renamed(events: Events) -> Events:
    renamed = Events.__new__(Events)
    renamed.folder, renamed.frame = events.folder, events.frame.withColumnRenamed("value", "renamed")
    return renamed

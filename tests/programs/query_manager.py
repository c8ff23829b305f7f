"""The manager and the query: names, ids, what is active, status, what ended and why."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    before = len(spark.streams.active)
    one = events.frame.writeStream.format("noop").queryName("one").start()
    two = events.frame.writeStream.format("noop").start()
    found = {
        "active": len(spark.streams.active) - before,
        "by id": spark.streams.get(one.id).name,
        "names": [one.name, two.name],
        "ids differ": len({one.id, two.id, one.runId, two.runId}) == 4,
        "same name again": failure(lambda: events.frame.writeStream.format("noop").queryName("one").start()),
        "timeout": one.awaitTermination(0.01),
    }
    one.processAllAvailable()
    found["status"] = sorted(one.status)
    found["no exception"] = one.exception()
    for query in (one, two):
        query.stop()
    found["stopped"] = [one.isActive, len(spark.streams.active) - before, spark.streams.get(one.id)]
    events.add((1, "a"))
    bad = (
        events.frame.select(F.raise_error(F.concat(F.lit("I broke at "), "value")))
        .writeStream.format("noop")
        .start()
    )
    found["process"] = failure(bad.processAllAvailable)
    found["failed"] = [bad.isActive, "I broke" in str(bad.exception())]
    spark.streams.resetTerminated()
    found["explain"] = bad.explain() is None
    return found


def failure(action) -> str | None:
    try:
        action()
    except Exception as error:
        return f"{type(error).__name__} {getattr(error, 'getCondition', lambda: None)()}"
    return None

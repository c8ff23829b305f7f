"""once reads all in one batch, availableNow keeps the reader's limits, processingTime ticks until stopped."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="2")
    for second in range(5):
        events.add(second)
    return {
        "once": told(events, once=True),
        "availableNow": told(events, availableNow=True),
        "processingTime": ticking(events),
    }


def told(events: Events, **trigger: bool):
    query = events.frame.writeStream.format("noop").trigger(**trigger).start()
    query.awaitTermination(60)
    batches = [(p["batchId"], p.numInputRows) for p in query.recentProgress if p.numInputRows]
    return {"batches": batches, "active": query.isActive, "exception": query.exception()}


def ticking(events: Events):
    query = events.frame.writeStream.format("noop").trigger(processingTime="10 milliseconds").start()
    query.processAllAvailable()
    events.add(5)
    query.processAllAvailable()
    batches = [(p["batchId"], p.numInputRows) for p in query.recentProgress if p.numInputRows]
    active = query.isActive
    query.stop()
    return {"batches": batches, "active": active, "stopped": not query.isActive}

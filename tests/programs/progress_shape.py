"""What progress reports: every field's name, and the numbers that do not depend on the clock."""

import json
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events, observed

# These differ from one state store and one file system to another.
FREE = {"customMetrics", "metrics", "observedMetrics"}


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="1")
    events.add((10, "a"), (11, "a"))
    events.add((30, "b"))
    events.add((1, "c"), (32, "c"))
    counts = events.with_watermark("10 seconds").groupBy(F.window("time", "5 seconds").alias("w")).count()
    counted = counts.observe("seen", F.count("*").alias("rows"))
    writer = counted.writeStream.format("memory").queryName("progress_shape")
    query = (
        writer.option("checkpointLocation", str(directory / "checkpoint")).trigger(availableNow=True).start()
    )
    query.awaitTermination()
    progress = query.recentProgress
    state = [p["stateOperators"][0] for p in progress]
    return {
        "shape": shape(without_totals(json.loads(progress[-1].json))),
        "batches": [p["batchId"] for p in progress],
        "rows in": [p.numInputRows for p in progress],
        "rows out": [p["sink"]["numOutputRows"] for p in progress],
        "event time": [dict(p["eventTime"]) for p in progress],
        "state rows": [[s["numRowsTotal"], s["numRowsUpdated"], s["numRowsRemoved"]] for s in state],
        "late rows": [s["numRowsDroppedByWatermark"] for s in state],
        "operator": state[0]["operatorName"],
        "sink": progress[0]["sink"]["description"],
        "name": progress[0]["name"],
        "observed": [observed(p, "seen") for p in progress],
        "offsets": [[p["sources"][0]["startOffset"], p["sources"][0]["endOffset"]] for p in progress[:3]],
        "source": progress[0]["sources"][0]["description"].split("[")[0],
    }


def without_totals(progress: dict) -> dict:
    """Over Connect, Spark 4.2 leaves out the sums over all sources, which its classic session reports."""
    totals = ("numInputRows", "inputRowsPerSecond", "processedRowsPerSecond")
    return {name: value for name, value in progress.items() if name not in totals}


def shape(value):
    if isinstance(value, dict):
        return {key: "free" if key in FREE else shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [shape(inner) for inner in value[:1]]
    return None if value is None else type(value).__name__

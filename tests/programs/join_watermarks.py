"""The slower of two streams holds the watermark back, after a restart as well."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from verbs import Events

STEPS = [
    ("left", [11]),
    ("right", [6]),
    ("right", [8]),
    ("left", [21]),
    ("right", [17, 28, 39]),
    ("left", [31]),
    ("restart", []),
    ("left", [200]),
    ("right", [190]),
    ("restart", []),
    ("right", [200]),
    ("left", [200]),
]


def run(spark: SparkSession, directory: Path):
    sides = {side: Events(spark, directory / side) for side in ("left", "right")}
    one = sides["left"].with_watermark("10 seconds")
    other = sides["right"].with_watermark("5 seconds")
    joined = one.join(other, one.time == other.time).select(one.second)
    query = start(joined, directory)
    found = []
    for side, seconds in STEPS:
        if side == "restart":
            query.stop()
            query = start(joined, directory)
            query.processAllAvailable()
            continue
        sides[side].add(*seconds)
        query.processAllAvailable()
        found.append([side, *seconds, query.lastProgress["eventTime"]["watermark"]])
    query.stop()
    return found


def start(frame: DataFrame, directory: Path):
    writer = frame.writeStream.format("json").option("checkpointLocation", str(directory / "checkpoint"))
    return writer.start(str(directory / "out"))

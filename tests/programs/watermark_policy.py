"""The watermark of two streams is that of the slower one, or of the faster one on request."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events

STEPS = [
    ("left", [11]),
    ("right", [6]),
    ("right", [8]),
    ("left", [21]),
    ("right", [17, 28, 39]),
    ("left", [31]),
]


def run(spark: SparkSession, directory: Path):
    return {policy: watermarks(spark, directory / policy, policy) for policy in ("min", "max")}


def watermarks(spark: SparkSession, directory: Path, policy: str):
    spark.conf.set("spark.sql.streaming.multipleWatermarkPolicy", policy)
    sides = {name: Events(spark, directory / name) for name in ("left", "right")}
    both = sides["left"].with_watermark("10 seconds").union(sides["right"].with_watermark("5 seconds"))
    counts = both.groupBy(F.window("time", "5 seconds")).count()
    query = counts.writeStream.format("noop").outputMode("update").start()
    found = []
    for side, seconds in STEPS:
        sides[side].add(*seconds)
        query.processAllAvailable()
        found.append(query.lastProgress["eventTime"]["watermark"])
    query.stop()
    spark.conf.unset("spark.sql.streaming.multipleWatermarkPolicy")
    return found

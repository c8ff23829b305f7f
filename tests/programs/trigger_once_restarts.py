"""Trigger.Once runs one batch, so what a watermark closes shows in the run after."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    counts = events.with_watermark("10 seconds").groupBy(F.window("time", "5 seconds").alias("w")).count()
    starts = counts.select(F.col("w.start").cast("long").alias("start"), "count")
    out, found = str(directory / "out"), []
    for seconds in ([15], [10, 12, 14], [25], [50], [50]):
        events.add(*seconds)
        writer = starts.writeStream.format("json").option("checkpointLocation", str(directory / "checkpoint"))
        writer.trigger(once=True).start(out).awaitTermination()
        found.append(sorted_rows(spark.read.schema("start long, count long").json(out)))
    return found

"""observe() on a stream: named metrics in every progress."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events, observed


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="1")
    events.add((1, "a"), (2, "b"))
    events.add((5, "c"))
    watched = events.frame.observe("watched", F.count("*").alias("rows"), F.max("second").alias("latest"))
    query = watched.where("second > 1").writeStream.format("noop").trigger(availableNow=True).start()
    query.awaitTermination()
    return [observed(progress, "watched") for progress in query.recentProgress]

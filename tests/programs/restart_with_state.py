"""Windows counted before a restart go on being counted, and a pending watermark waits for data."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    counts = events.with_watermark("10 seconds").groupBy(F.window("time", "5 seconds").alias("w")).count()
    starts = counts.select(F.col("w.start").cast("long").alias("start"), "count")
    spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    found = []
    for seconds in ([11, 12], [13, 25], [], [26]):
        if seconds:
            events.add(*seconds)
        if len(found) == 2:
            spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "true")
        writer = starts.writeStream.format("json").option("checkpointLocation", str(directory / "checkpoint"))
        query = writer.trigger(availableNow=True).start(str(directory / "out"))
        query.awaitTermination()
        answer = spark.read.schema("start long, count long").json(str(directory / "out"))
        found.append(
            [
                [p["batchId"] for p in query.recentProgress if "addBatch" in p["durationMs"]],
                sorted_rows(answer),
            ]
        )
    return found

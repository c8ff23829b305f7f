"""The rate sources: their columns, and rows that do not depend on the clock."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def run(spark: SparkSession, directory: Path):
    batches = (
        spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).option("startTimestamp", 1000)
    )
    stream = batches.option("advanceMillisPerBatch", 50).load()
    query = (
        stream.select(F.unix_millis("timestamp").alias("ms"), "value")
        .writeStream.format("memory")
        .queryName("rated")
    )
    query = query.start()
    while not query.lastProgress or query.lastProgress["batchId"] < 1:
        query.awaitTermination(0.05)
    query.stop()
    return {
        "columns": spark.readStream.format("rate").load().schema.jsonValue(),
        "first two batches": [list(row) for row in spark.table("rated").sort("value").limit(6).collect()],
    }

"""foreachBatch: an upsert into Parquet that can be repeated, two writes of one batch, and the batch id."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="1")
    for batch in ([(1, "a"), (2, "b")], [(3, "a")], [(4, "c"), (5, "b")]):
        events.add(*batch)
    totals, log = str(directory / "totals"), str(directory / "log")

    def upsert(batch: DataFrame, batch_id: int) -> None:
        session = batch.sparkSession
        batch.select("value", "second", F.lit(batch_id).alias("batch_id")).write.mode("append").json(log)
        new = batch.groupBy("value").agg(F.sum("second").alias("total"))
        if batch_id:
            new = (
                new.union(session.read.parquet(f"{totals}/{batch_id - 1}"))
                .groupBy("value")
                .agg(F.sum("total").alias("total"))
            )
        new.write.mode("overwrite").parquet(f"{totals}/{batch_id}")

    writer = events.frame.writeStream.foreachBatch(upsert).option(
        "checkpointLocation", str(directory / "checkpoint")
    )
    writer.trigger(availableNow=True).start().awaitTermination()
    return {
        "totals": sorted_rows(spark.read.parquet(f"{totals}/2")),
        "log": sorted_rows(spark.read.schema("value string, second double, batch_id int").json(log)),
    }

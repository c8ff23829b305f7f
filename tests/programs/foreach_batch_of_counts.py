"""foreachBatch under an aggregation in update mode, with SQL over the batch."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="1")
    events.add((1, "a"), (2, "b"))
    events.add((3, "a"))
    out = str(directory / "out")

    def keep(batch: DataFrame, batch_id: int) -> None:
        batch.createOrReplaceTempView("counted")
        chosen = batch.sparkSession.sql(
            f"SELECT value, count, {batch_id} AS batch_id FROM counted WHERE count > 0"
        )
        chosen.coalesce(1).write.mode("append").json(out)

    counts = events.frame.groupBy("value").count()
    query = counts.writeStream.outputMode("update").foreachBatch(keep).trigger(availableNow=True).start()
    query.awaitTermination()
    return sorted_rows(spark.read.schema("value string, count long, batch_id int").json(out))

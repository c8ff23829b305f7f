"""toTable writes a table that batch queries read, and readStream.table streams it on."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events, process, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add((1, "a"), (2, "b"))
    spark.sql("DROP TABLE IF EXISTS streamed")
    spark.sql(
        f"CREATE TABLE streamed (value STRING, second DOUBLE) USING parquet LOCATION '{directory / 'table'}'"
    )
    writer = events.frame.select("value", "second").writeStream.option(
        "checkpointLocation", str(directory / "checkpoint")
    )
    writer.trigger(availableNow=True).toTable("streamed").awaitTermination()
    batch = sorted_rows(spark.table("streamed"))
    streamed = process(spark.readStream.table("streamed").where("second > 1"), directory, name="again")
    spark.sql("DROP TABLE streamed")
    return {"batch": batch, "streamed": streamed}

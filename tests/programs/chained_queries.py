"""A query's output folder is the next query's input: bronze, silver, gold, restarted in between."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="1")
    gold = []
    for batch in ([(1, "a"), (7, "b")], [(12, "a"), (3, "x")], [(40, "b")]):
        events.add(*batch)
        copy(events.frame, directory / "bronze", "parquet")
        silver = bronze(spark, directory).where("value <> 'x'").withColumn("value", F.upper("value"))
        copy(silver, directory / "silver", "json", "value")
        gold.append(totals(spark, directory))
    return gold


def bronze(spark: SparkSession, directory: Path) -> DataFrame:
    schema = "second double, value string, time timestamp"
    return spark.readStream.schema(schema).parquet(str(directory / "bronze"))


def totals(spark: SparkSession, directory: Path):
    silver = spark.readStream.schema("second double, time timestamp, value string").json(
        str(directory / "silver")
    )
    windows = silver.withWatermark("time", "5 seconds").groupBy(
        "value", F.window("time", "10 seconds").alias("w")
    )
    counts = windows.agg(F.sum("second").alias("total")).selectExpr(
        "value", "unix_timestamp(w.start) AS start", "total"
    )
    copy(counts, directory / "gold", "json")
    return sorted_rows(
        spark.read.schema("value string, start long, total double").json(str(directory / "gold"))
    )


def copy(frame: DataFrame, folder: Path, form: str, *partitions: str) -> None:
    writer = frame.writeStream.format(form).partitionBy(*partitions)
    writer = writer.option("checkpointLocation", f"{folder}-checkpoint").trigger(availableNow=True)
    writer.start(str(folder)).awaitTermination()

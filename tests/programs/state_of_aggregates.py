"""The state of aggregations: groups by key and by window, read at any retained batch, and as changes."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from state_verbs import changes, metadata, state, turns
from verbs import Events, rows

BATCHES = [[(1, "a"), (2, "b"), (3, "a")], [(12, "b"), (13, "é")], [(31, "a")]]


def run(spark: SparkSession, directory: Path):
    counts, windows, both = directory / "counts", directory / "windows", directory / "global"
    events = Events(spark, directory / "a")
    turns(by_value(events), events, counts, BATCHES, "update")
    events = Events(spark, directory / "b")
    turns(by_window(events), events, windows, BATCHES)
    events = Events(spark, directory / "c")
    turns(events.frame.agg(F.sum("second"), F.count("value")), events, both, BATCHES, "complete")
    computed, buffers = directory / "computed", directory / "buffers"
    events = Events(spark, directory / "d")
    upper = events.frame.groupBy(F.upper("value").alias("u"), F.col("second").alias("s")).count()
    turns(upper, events, computed, BATCHES[:1], "update")
    events = Events(spark, directory / "e")
    turns(by_many(events), events, buffers, BATCHES[:1], "update")
    spark.read.format("statestore").load(str(counts)).createOrReplaceTempView("counts_state")
    joined = spark.sql(
        "SELECT key.value, value.min, partition_id FROM counts_state WHERE value.max > 3 ORDER BY 1"
    )
    return {
        "last": state(spark, counts),
        "first": state(spark, counts, batchId=0),
        "second": state(spark, counts, BATCHID="1", operatorId="0", storename="default"),
        "changes": changes(spark, counts, changeStartBatchId=0),
        "some changes": changes(spark, counts, changeStartBatchId=1, changeEndBatchId=1),
        "windows": state(spark, windows),
        "windows at first": state(spark, windows, batchId=0),
        "windows in the middle": state(spark, windows, batchId=1),
        "window changes": changes(spark, windows, changeStartBatchId=0),
        "global": state(spark, both),
        "sql": rows(joined),
        "computed key": state(spark, computed),
        "buffers": state(spark, buffers),
        "metadata": metadata(spark, counts),
        "windows metadata": metadata(spark, windows),
        "global metadata": metadata(spark, both),
    }


def by_value(events: Events) -> DataFrame:
    whole = events.frame.withColumn("whole", F.col("second").cast("long"))
    return whole.groupBy("value").agg(
        F.max("second").alias("most"),
        F.min("whole").alias("least"),
        F.avg("second").alias("mean"),
    )


def by_window(events: Events) -> DataFrame:
    timed = events.with_watermark("10 seconds")
    return timed.groupBy(F.window("time", "5 seconds"), "value").count()


def by_many(events: Events) -> DataFrame:
    decimal = events.frame.withColumn("d", F.col("second").cast("decimal(10,2)"))
    return decimal.groupBy(F.window("time", "5 seconds").alias("w")).agg(
        F.sum("d"), F.max("time"), F.min(F.col("second") > 1), F.first("value")
    )

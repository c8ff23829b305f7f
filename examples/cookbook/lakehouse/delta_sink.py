"""N25, N30-N31 A Delta table as sink: partitions, a growing schema, compaction, clean-up, time travel.

cauce run examples/cookbook/lakehouse/delta_sink.py
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from delta.tables import DeltaTable
from kitchen import Topic, cook, rows
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

RETAIN_HOURS = 168


def recipe(spark: SparkSession, folder: Path) -> dict:
    lake = str(folder / "lake")
    events = Topic(
        spark, folder / "events", "time timestamp, user_id string, product_id string, price double"
    )
    for user in ("ada", "bob", "cleo", "ada"):
        events.send({"time": "2026-01-01 10:00:00", "user_id": user, "product_id": "lamp"})
    dated = events.frame.withColumn("date", F.to_date("time"))
    append(dated.drop("price"), lake, folder / "checkpoint")
    # The stream gets a column more; the table grows with it.
    events.send({"time": "2026-01-02 10:00:00", "user_id": "ada", "product_id": "chair", "price": 9.5})
    append(dated, lake, folder / "checkpoint")
    table = DeltaTable.forPath(spark, lake)
    files_before = files(table)
    table.optimize().where("date >= '2026-01-01'").executeZOrderBy("user_id", "product_id")
    table.vacuum(RETAIN_HOURS)
    return {
        "rows by date": rows(spark.read.format("delta").load(lake).groupBy("date").count()),
        "columns": spark.read.format("delta").load(lake).columns,
        "files before and after": [files_before, files(table)],
        "one day replaced": replaced(spark, lake),
        "as it was in version 0": spark.read.format("delta").option("versionAsOf", 0).load(lake).count(),
    }


def append(events: DataFrame, lake: str, checkpoint: Path) -> None:
    writer = events.writeStream.format("delta").option("checkpointLocation", str(checkpoint))
    writer.option("mergeSchema", "true").option("optimizeWrite", "true").option(
        "autoCompact", "false"
    ).partitionBy("date").trigger(availableNow=True).start(lake).awaitTermination()


def files(table: DeltaTable) -> int:
    return table.detail().select("numFiles").first()[0]


def replaced(spark: SparkSession, lake: str) -> list:
    """Overwrite one partition and leave the others."""
    day = spark.read.format("delta").load(lake).where("date = '2026-01-02'").withColumn("price", F.lit(7.0))
    day.write.format("delta").mode("overwrite").option("replaceWhere", "date = '2026-01-02'").save(lake)
    return rows(spark.read.format("delta").load(lake).groupBy("date").agg(F.max("price")))


if __name__ == "__main__":
    cook(recipe)

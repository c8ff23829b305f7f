"""N28 A Delta table's change data feed, read from a version, kept as a log of what rows became.

cauce run examples/cookbook/lakehouse/change_feed.py
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from delta.tables import DeltaTable
from kitchen import cook, rows
from pyspark.sql import SparkSession


def recipe(spark: SparkSession, folder: Path) -> dict:
    stock, log = str(folder / "stock"), str(folder / "log")
    builder = (
        DeltaTable.create(spark).location(stock).addColumn("product", "string").addColumn("pieces", "int")
    )
    builder.property("delta.enableChangeDataFeed", "true").execute()
    spark.createDataFrame([("lamp", 3), ("chair", 4)], "product string, pieces int").write.format(
        "delta"
    ).mode("append").save(stock)
    table = DeltaTable.forPath(spark, stock)
    table.update("product = 'lamp'", {"pieces": "pieces - 1"})
    table.delete("product = 'chair'")
    changes = (
        spark.readStream.format("delta")
        .option("readChangeFeed", "true")
        .option("startingVersion", 2)
        .load(stock)
    )
    kept = changes.where("_change_type = 'update_postimage'").select("product", "pieces", "_commit_version")
    writer = kept.writeStream.format("delta").option("checkpointLocation", str(folder / "checkpoint"))
    writer.trigger(availableNow=True).start(log).awaitTermination()
    feed = (
        spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 1).load(stock)
    )
    return {
        "every change": rows(feed.select("_commit_version", "_change_type", "product", "pieces")),
        "log of updates": rows(spark.read.format("delta").load(log)),
    }


if __name__ == "__main__":
    cook(recipe)

"""N27 Debezium's changes (create, update, delete) applied in order to a Delta table.

cauce run examples/cookbook/lakehouse/change_data_capture.py
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from delta.tables import DeltaTable
from kitchen import Topic, cook, rows
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

CUSTOMER = "id long, email string"
CHANGE = f"op string, ts_ms long, before struct<{CUSTOMER}>, after struct<{CUSTOMER}>"


def recipe(spark: SparkSession, folder: Path) -> dict:
    customers = str(folder / "customers")
    spark.createDataFrame([], CUSTOMER).write.format("delta").save(customers)
    changes = Topic(spark, folder / "customers-cdc", CHANGE)
    changes.send(created(1, "ada@old", 1), created(2, "bob@home", 2))
    changes.send(updated(1, "ada@old", "ada@new", 3), deleted(2, "bob@home", 4), created(3, "cleo@home", 5))
    changes.send(created(2, "bob@back", 6))
    apply(changes.frame, customers, folder / "checkpoint")
    return {"customers": rows(spark.read.format("delta").load(customers))}


def apply(changes: DataFrame, customers: str, checkpoint: Path) -> None:
    def merge(batch: DataFrame, batch_id: int) -> None:
        target = DeltaTable.forPath(batch.sparkSession, customers).alias("t")
        merged = target.merge(last_change(batch).alias("c"), "t.id = c.id").whenMatchedDelete("c.op = 'd'")
        values = {"id": "c.id", "email": "c.email"}
        merged.whenMatchedUpdate(set=values).whenNotMatchedInsert("c.op <> 'd'", values=values).execute()

    writer = changes.writeStream.foreachBatch(merge).option("checkpointLocation", str(checkpoint))
    writer.trigger(availableNow=True).start().awaitTermination()


def last_change(changes: DataFrame) -> DataFrame:
    """Only the last change of a key within the batch counts."""
    keyed = changes.select(F.coalesce("after.id", "before.id").alias("id"), "after.email", "op", "ts_ms")
    order = Window.partitionBy("id").orderBy(F.desc("ts_ms"))
    return keyed.withColumn("n", F.row_number().over(order)).where("n = 1").drop("n")


def created(key: int, email: str, ts_ms: int) -> dict:
    return {"op": "c", "ts_ms": ts_ms, "before": None, "after": {"id": key, "email": email}}


def updated(key: int, old: str, new: str, ts_ms: int) -> dict:
    return {
        "op": "u",
        "ts_ms": ts_ms,
        "before": {"id": key, "email": old},
        "after": {"id": key, "email": new},
    }


def deleted(key: int, email: str, ts_ms: int) -> dict:
    return {"op": "d", "ts_ms": ts_ms, "before": {"id": key, "email": email}, "after": None}


if __name__ == "__main__":
    cook(recipe)

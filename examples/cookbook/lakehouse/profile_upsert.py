"""N3, N26 Upserts: purchases change the profiles they touch, and add those that are new.

    cauce run examples/cookbook/lakehouse/profile_upsert.py

Each batch is merged into a Delta table. The merge takes the newest state of each user in it, so a batch
repeated after a crash changes nothing.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from delta.tables import DeltaTable
from kitchen import Topic, cook, rows
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

PROFILE = "user_id string, name string, purchases long"


def recipe(spark: SparkSession, folder: Path) -> dict:
    profiles = str(folder / "profiles")
    known = spark.createDataFrame([("user_123", "Ada", 5)], PROFILE)
    known.write.format("delta").save(profiles)
    changes = Topic(spark, folder / "changes", "user_id string, name string, purchases long, version long")
    changes.send(
        {"user_id": "user_123", "purchases": 5, "version": 1},
        {"user_id": "user_123", "purchases": 6, "version": 2},
        {"user_id": "user_456", "name": "Bob", "purchases": 1, "version": 1},
    )
    for _ in range(2):  # The second run finds nothing new.
        follow(changes.frame, profiles, folder / "checkpoint")
    return {"profiles": rows(spark.read.format("delta").load(profiles))}


def follow(changes: DataFrame, profiles: str, checkpoint: Path) -> None:
    def upsert(batch: DataFrame, batch_id: int) -> None:
        table = DeltaTable.forPath(batch.sparkSession, profiles).alias("p")
        merge = table.merge(newest(batch).alias("c"), "p.user_id = c.user_id")
        # A change without a name keeps the one we know.
        named = {"name": "coalesce(c.name, p.name)", "purchases": "c.purchases"}
        new = {"user_id": "c.user_id", "name": "c.name", "purchases": "c.purchases"}
        merge.whenMatchedUpdate(set=named).whenNotMatchedInsert(values=new).execute()

    writer = changes.writeStream.foreachBatch(upsert).option("checkpointLocation", str(checkpoint))
    writer.trigger(availableNow=True).start().awaitTermination()


def newest(changes: DataFrame) -> DataFrame:
    """The last change of each user; a merge refuses two for one row."""
    order = Window.partitionBy("user_id").orderBy(F.desc("version"))
    return changes.withColumn("n", F.row_number().over(order)).where("n = 1").drop("n", "version")


if __name__ == "__main__":
    cook(recipe)

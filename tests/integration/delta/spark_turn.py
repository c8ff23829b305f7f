"""Apache Spark's turn with Delta Lake's own jars: reads, appends, goes on with a stream, deletes by vectors.

Run by Apache Spark's Python: `spark_turn.py FOLDER`; prints one JSON line with what it read.
"""

import json
import sys

from pyspark.sql import SparkSession

PACKAGE = "io.delta:delta-spark_4.2_2.13:4.4.0"


def session() -> SparkSession:
    builder = SparkSession.builder.master("local[1]").config("spark.jars.packages", PACKAGE)
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def rows(frame) -> list:
    return sorted(([*map(str, row)] for row in frame.collect()), key=str)


def main(folder: str) -> None:
    spark = session()
    table, out = f"{folder}/table", f"{folder}/out"
    answer = {"table": rows(spark.read.format("delta").load(table).select("id", "name", "ts", "amount"))}
    feed = spark.read.format("delta").option("readChangeFeed", True).option("startingVersion", 0).load(table)
    answer["changes"] = rows(feed.select("id", "_change_type", "_commit_version"))
    answer["history"] = [r.operation for r in spark.sql(f"DESCRIBE HISTORY delta.`{table}`").collect()]
    spark.sql(f"INSERT INTO delta.`{table}` SELECT 100L, 'from spark', TIMESTAMP '2024-03-01 00:00:00', 7.25")
    stream = spark.readStream.format("delta").option("ignoreChanges", True).load(table)
    writer = stream.writeStream.format("delta").option("checkpointLocation", f"{folder}/checkpoint")
    writer.trigger(availableNow=True).start(out).awaitTermination()
    answer["out"] = rows(spark.read.format("delta").load(out).select("id"))
    vectors = f"{folder}/vectors"
    spark.sql(
        f"CREATE TABLE delta.`{vectors}` (id BIGINT) USING delta TBLPROPERTIES "
        "('delta.enableDeletionVectors' = 'true', 'delta.enableChangeDataFeed' = 'true')"
    )
    spark.range(0, 6000, 1, 1).write.format("delta").mode("append").save(vectors)
    spark.sql(f"DELETE FROM delta.`{vectors}` WHERE id % 3 = 0 OR id > 5000")
    print(json.dumps(answer), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])

"""The clicks program that is measured, on cauce or Apache Spark: `kafka_clicks.py SERVERS FOLDER OUT TOPIC`.

JSON clicks -> parse -> counts a minute and region -> JSON to a topic, over everything the topic holds.
"""

import json
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

SCHEMA = (
    "user_id BIGINT, event_type STRING, page STRING, product_id BIGINT, amount DOUBLE, "
    "region STRING, at BIGINT"
)
RECORDS_PER_BATCH = 200_000


def main(servers: str, folder: str, out: str, topic: str) -> None:
    builder = SparkSession.builder.config("spark.ui.enabled", "false")
    jars = Path(__file__).resolve().parents[1] / "build" / "jars" / "spark-kafka"
    builder = builder.config("spark.jars", ",".join(map(str, sorted(jars.glob("*.jar")))))
    spark = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    kafka = {"kafka.bootstrap.servers": servers}
    options = {
        "subscribe": "clicks",
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(RECORDS_PER_BATCH),
    }
    records = spark.readStream.format("kafka").options(**kafka, **options).load()
    clicks = records.select(F.from_json(F.col("value").cast("string"), SCHEMA).alias("c")).select("c.*")
    timed = clicks.withColumn("ts", F.timestamp_millis("at")).withWatermark("ts", "10 seconds")
    grouped = timed.groupBy(F.window("ts", "1 minute"), "region")
    counts = grouped.agg(F.count("*").alias("clicks"), F.sum("amount").alias("amount"))
    value = F.to_json(F.struct(F.unix_seconds("window.start").alias("minute"), "region", "clicks", "amount"))
    writer = counts.select(value.alias("value")).writeStream.format("kafka").options(**kafka, topic=topic)
    writer = writer.outputMode("update").option("checkpointLocation", f"{folder}/checkpoint")
    started = time.perf_counter()
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    seconds = time.perf_counter() - started
    rows = sum(progress["numInputRows"] for progress in query.recentProgress)
    # The first batch pays for what a long run does not: a warm machine is what is compared.
    warm = list(query.recentProgress)[1:]
    warm_s = sum(p["durationMs"]["triggerExecution"] for p in warm) / 1000
    result = {"rows": rows, "seconds": seconds, "warm_rows_s": sum(p["numInputRows"] for p in warm) / warm_s}
    Path(out).write_text(json.dumps(result))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

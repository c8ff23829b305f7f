"""The shop's streaming pipeline - bronze, silver, gold - as a plain PySpark program.

    landing/*.json  -> bronze   every line as it came, with the time it was taken in
    bronze          -> silver   parsed, checked, each event once, joined with the product catalogue
    silver          -> gold     per category and ten minutes: events, views, purchases, revenue, margin

Each query has its own checkpoint, so the program can be stopped at any moment and started again.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import DataStreamWriter, StreamingQuery
from pyspark.sql.types import DoubleType, IntegerType, StringType, StructField, StructType, TimestampType

EVENT = StructType(
    [
        StructField("event_id", StringType(), nullable=False),
        StructField("timestamp", TimestampType(), nullable=False),
        StructField("user_id", StringType(), nullable=False),
        StructField("event_type", StringType(), nullable=False),
        StructField("product_id", StringType(), nullable=False),
        StructField("product_name", StringType()),
        StructField("category", StringType()),
        StructField("price", DoubleType()),
        StructField("quantity", IntegerType()),
    ]
)
TIMESTAMPS = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ssX"}
REQUIRED = [field.name for field in EVENT.fields if not field.nullable]
CATALOGUE = "product_id STRING, brand STRING, cost_share DECIMAL(4,2), active BOOLEAN"
BRONZE = "value STRING, ingested_at TIMESTAMP"
SILVER = (
    "event_id STRING, timestamp TIMESTAMP, user_id STRING, event_type STRING, product_id STRING, "
    "product_name STRING, category STRING, brand STRING, amount DECIMAL(18,2), margin DECIMAL(18,2)"
)
GOLD = (
    "window_start TIMESTAMP, window_end TIMESTAMP, category STRING, events BIGINT, views BIGINT, "
    "purchases BIGINT, revenue DECIMAL(28,2), margin DECIMAL(28,2)"
)

WINDOW = "10 minutes"
LATENESS = "10 minutes"
"""Deliveries lag at most 5 minutes behind (see generator.py), so no event is ever too late."""
EVERY_SECOND = {"processingTime": "1 second"}
Trigger = Mapping[str, Any]


def bronze(spark: SparkSession, data: Path, trigger: Trigger = EVERY_SECOND) -> StreamingQuery:
    """Take in every line unread: what arrived can always be read again."""
    lines = spark.readStream.text(folder(data, "landing"))
    writer = lines.withColumn("ingested_at", F.current_timestamp()).writeStream.format("parquet")
    return start(writer.option("path", folder(data, "bronze")), data, "bronze", trigger)


def silver(spark: SparkSession, data: Path, trigger: Trigger = EVERY_SECOND) -> StreamingQuery:
    """Parsed, checked, each event once, enriched."""
    lines = spark.readStream.schema(BRONZE).parquet(folder(data, "bronze"))
    events = lines.select(F.from_json("value", EVENT, TIMESTAMPS).alias("event")).select("event.*")
    unique = (
        events.dropna(subset=REQUIRED)
        .withWatermark("timestamp", LATENESS)
        .dropDuplicatesWithinWatermark(["event_id"])
    )
    writer = enriched(unique, catalogue(spark)).writeStream.format("parquet")
    return start(writer.option("path", folder(data, "silver")), data, "silver", trigger)


def gold(spark: SparkSession, data: Path, trigger: Trigger = EVERY_SECOND) -> StreamingQuery:
    """Each batch writes the groups it changed; `current_gold` keeps the last word on each."""
    events = spark.readStream.schema(SILVER).parquet(folder(data, "silver"))
    target = folder(data, "gold")

    def write_changes(changes: DataFrame, batch_id: int) -> None:
        # A batch repeated after a crash overwrites its own folder, so nothing is counted twice.
        changes.write.mode("overwrite").parquet(f"{target}/batch_id={batch_id}")

    groups = per_category(events.withWatermark("timestamp", LATENESS))
    return start(groups.writeStream.outputMode("update").foreachBatch(write_changes), data, "gold", trigger)


def start(writer: DataStreamWriter, data: Path, name: str, trigger: Trigger) -> StreamingQuery:
    checkpoint = folder(data, f"checkpoints/{name}")
    return writer.queryName(name).option("checkpointLocation", checkpoint).trigger(**trigger).start()


def catalogue(spark: SparkSession) -> DataFrame:
    """The products on sale; test articles are inactive."""
    path = Path(__file__).resolve().parent / "catalogue.csv"
    return spark.read.schema(CATALOGUE).csv(str(path), header=True).where("active")


def enriched(events: DataFrame, products: DataFrame) -> DataFrame:
    """Brand, amount and margin of each event; events of products not on sale fall away."""
    amount = (F.col("price").cast("decimal(12,2)") * F.col("quantity")).cast("decimal(18,2)")
    margin = (F.col("amount") * (1 - F.col("cost_share"))).cast("decimal(18,2)")
    sold = events.join(products, "product_id").withColumn("amount", amount).withColumn("margin", margin)
    return sold.select(*StructType.fromDDL(SILVER).names)


def per_category(events: DataFrame) -> DataFrame:
    """Events, views, purchases, revenue and margin per category and window of event time."""

    def when_type(event_type: str, value: Column) -> Column:
        return F.when(F.col("event_type") == event_type, value)

    groups = events.groupBy(F.window("timestamp", WINDOW), "category").agg(
        F.count("*").alias("events"),
        F.count(when_type("view", F.lit(1))).alias("views"),
        F.count(when_type("purchase", F.lit(1))).alias("purchases"),
        F.sum(when_type("purchase", F.col("amount"))).alias("revenue"),
        F.sum(when_type("purchase", F.col("margin"))).alias("margin"),
    )
    window = [F.col("window.start").alias("window_start"), F.col("window.end").alias("window_end")]
    return groups.select(*window, "category", "events", "views", "purchases", "revenue", "margin")


def current_gold(spark: SparkSession, data: Path, batch_id_max: int) -> DataFrame:
    """The newest row of each window and category up to a finished batch."""
    changes = spark.read.schema(f"{GOLD}, batch_id BIGINT").parquet(folder(data, "gold"))
    latest = changes.where(F.col("batch_id") <= batch_id_max).groupBy(
        "window_start", "window_end", "category"
    )
    values = ["events", "views", "purchases", "revenue", "margin"]
    return latest.agg(*[F.max_by(name, "batch_id").alias(name) for name in values])


def folder(data: Path, name: str) -> str:
    """A folder of the shop's data, created if need be: a stream may start before its input does."""
    path = data.resolve() / name
    path.mkdir(parents=True, exist_ok=True)
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("demo-data"), help="the shop's folder (demo-data)")
    parser.add_argument("--available-now", action="store_true", help="process what is there and end")
    options = parser.parse_args()
    spark = SparkSession.builder.appName("shop").config("spark.sql.shuffle.partitions", 2).getOrCreate()
    if options.available_now:
        for query in (bronze, silver, gold):
            query(spark, options.data, {"availableNow": True}).awaitTermination()
    else:
        for query in (bronze, silver, gold):
            query(spark, options.data)
        spark.streams.awaitAnyTermination()


if __name__ == "__main__":
    main()

"""L7 A lake of orders: bronze, silver and gold; full load, append, merge, and a stream.

    cauce run examples/leads/lake.py                                      # three days of made-up orders
    cauce run examples/leads/lake.py --root s3a://datalake --keep-going   # new files every minute

    landing/*.json -> bronze  every order as it came, by date
    bronze         -> silver  completed orders with an amount, by category, each order once
    silver         -> gold    revenue and number of orders per category

A quality gate stands before silver: 1% of repetitions among the orders, or an impossible age, stops the load.
"""

import argparse
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery
from pyspark.sql.types import StructType

ORDER = "order_id long, ordered_at timestamp, category string, amount double, status string, age int"
SILVER = "order_id long, ordered_at timestamp, category string, amount double, age int"
DUPLICATES_BELOW = 0.01
AGE_MAX = 120
EVERY_MINUTE = {"processingTime": "1 minute"}
NOW = {"availableNow": True}
CATEGORIES = ("books", "games", "garden", "music")


class QualityError(Exception):
    """The load stops here; nothing was written."""


# -- bronze ------------------------------------------------------------------------------------------------


def bronze(spark: SparkSession, landing: str, root: str, trigger: Mapping[str, Any] = NOW) -> StreamingQuery:
    """New files of the landing folder, each once, by date."""
    orders = spark.readStream.schema(ORDER).json(landing).withColumn("date", F.to_date("ordered_at"))
    writer = orders.writeStream.format("delta").option("checkpointLocation", f"{root}/checkpoints/bronze")
    return writer.partitionBy("date").trigger(**trigger).start(f"{root}/bronze")


# -- the gate ----------------------------------------------------------------------------------------------


def check_quality(orders: DataFrame) -> None:
    """QualityError if too many orders are there twice, or an age is none."""
    impossible = (F.col("age") < 0) | (F.col("age") > AGE_MAX)
    found = orders.agg(
        F.count("*").alias("rows"),
        F.count_distinct("order_id").alias("orders"),
        F.count_if(impossible).alias("impossible"),
    ).first()
    duplicates = 1 - found.orders / max(1, found.rows)
    if duplicates >= DUPLICATES_BELOW and found.rows:
        raise QualityError(f"{duplicates:.2%} of {found.rows} orders are repetitions")
    if found.impossible:
        raise QualityError(f"{found.impossible} ages are outside 0-{AGE_MAX}")


# -- silver ------------------------------------------------------------------------------------------------


def cleaned(orders: DataFrame) -> DataFrame:
    paid = orders.where("status = 'completed' AND amount > 0").dropDuplicates(["order_id"])
    return paid.select("order_id", "ordered_at", F.trim("category").alias("category"), "amount", "age")


def full_load(orders: DataFrame, root: str) -> None:
    """Silver anew."""
    check_quality(orders)
    save(cleaned(orders), f"{root}/silver", "overwrite")


def append(orders: DataFrame, root: str) -> None:
    """Orders known to be new."""
    check_quality(orders)
    save(cleaned(orders), f"{root}/silver", "append")


def merge(orders: DataFrame, root: str) -> None:
    """Orders that may be there already: the newer word counts."""
    check_quality(orders)
    silver = DeltaTable.forPath(orders.sparkSession, f"{root}/silver").alias("s")
    merged = silver.merge(cleaned(orders).alias("o"), "s.order_id = o.order_id")
    merged.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def save(table: DataFrame, path: str, mode: str) -> None:
    table.write.format("delta").mode(mode).partitionBy("category").save(path)


# -- gold --------------------------------------------------------------------------------------------------


def gold(spark: SparkSession, root: str) -> DataFrame:
    """Revenue and orders per category, written and read back."""
    groups = spark.read.format("delta").load(f"{root}/silver").groupBy("category")
    totals = groups.agg(F.round(F.sum("amount"), 2).alias("revenue"), F.count("*").alias("orders"))
    totals.write.format("delta").mode("overwrite").save(f"{root}/gold")
    return spark.read.format("delta").load(f"{root}/gold").orderBy("category")


def silver(spark: SparkSession, root: str, trigger: Mapping[str, Any] = NOW) -> StreamingQuery:
    """What is new in bronze is merged, batch by batch; gold follows."""

    def refresh(orders: DataFrame, batch_id: int) -> None:
        merge(orders, root)
        gold(orders.sparkSession, root)

    writer = spark.readStream.format("delta").load(f"{root}/bronze").drop("date").writeStream
    stream = writer.foreachBatch(refresh).option("checkpointLocation", f"{root}/checkpoints/silver")
    return stream.trigger(**trigger).start()


def create(spark: SparkSession, root: str) -> None:
    """Empty tables, where there are none: a stream may start before its input does."""
    bronze_table = DeltaTable.createIfNotExists(spark).location(f"{root}/bronze").partitionedBy("date")
    bronze_table.addColumns(StructType.fromDDL(f"{ORDER}, date date")).execute()
    silver_table = DeltaTable.createIfNotExists(spark).location(f"{root}/silver").partitionedBy("category")
    silver_table.addColumns(StructType.fromDDL(SILVER)).execute()


# -- orders to play with -----------------------------------------------------------------------------------


def orders_of(day: int, count: int = 1000) -> Iterator[dict[str, Any]]:
    """The seeded orders of a day of January 2026; three in a thousand of them come twice."""
    generator = random.Random(day)
    for number in range(count):
        order = {
            "order_id": day * 1_000_000 + number,
            "ordered_at": f"2026-01-{day:02}T{generator.randrange(24):02}:{generator.randrange(60):02}:00",
            "category": generator.choice(CATEGORIES),
            "amount": round(generator.uniform(-5, 200), 2),
            "status": generator.choices(("completed", "cancelled", "pending"), (8, 1, 1))[0],
            "age": generator.randint(18, 90),
        }
        yield from [order] * (2 if generator.random() < 0.003 else 1)


def land(landing: Path, day: int) -> bool:
    """Drop the day's file, whole; False if it is there already."""
    target = landing / f"orders-{day:02}.json"
    if target.exists():
        return False
    landing.mkdir(parents=True, exist_ok=True)
    hidden = landing / f".orders-{day:02}"
    hidden.write_text("".join(f"{json.dumps(order)}\n" for order in orders_of(day)))
    hidden.rename(target)
    return True


def show_all_ways(spark: SparkSession, landing: Path, root: str) -> None:
    """Day 1 as a full load, day 2 appended, day 3 merged by the stream, which meets all three days."""
    create(spark, root)
    land(landing, 1)
    full_load(spark.read.schema(ORDER).json(str(landing)), root)
    if land(landing, 2):
        append(spark.read.schema(ORDER).json(str(landing / "orders-02.json")), root)
    land(landing, 3)
    bronze(spark, str(landing), root).awaitTermination()
    silver(spark, root).awaitTermination()
    gold(spark, root).show()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", default="lake-data", help="a folder, or a bucket such as s3a://datalake")
    parser.add_argument("--landing", type=Path, help="where orders arrive (ROOT/landing)")
    parser.add_argument("--keep-going", action="store_true", help="follow the landing folder until Ctrl-C")
    options = parser.parse_args()
    root = options.root if "://" in options.root else str(Path(options.root).resolve())
    landing = (options.landing or Path("lake-data" if "://" in root else root) / "landing").resolve()
    spark = SparkSession.builder.appName("leads-lake").getOrCreate()
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    if options.keep_going:
        landing.mkdir(parents=True, exist_ok=True)
        create(spark, root)
        bronze(spark, str(landing), root, EVERY_MINUTE)
        silver(spark, root, EVERY_MINUTE)
        spark.streams.awaitAnyTermination()
    else:
        show_all_ways(spark, landing, root)


if __name__ == "__main__":
    main()

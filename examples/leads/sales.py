"""L10 Sales added up as they happen: tumbling and sliding windows, totals, customers, anomalies.

python examples/leads/sales_feed.py && cauce run examples/leads/sales.py --once
cauce run examples/leads/sales.py --socket localhost:9999 --query sliding
cauce run examples/leads/sales.py --servers localhost:9092
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery

SALE = (
    "transaction_id string, timestamp timestamp, product string, category string, amount double, "
    "quantity int, customer_id string"
)
TOPIC = "sales"
LATENESS = "10 seconds"
DEVIATIONS_MAX = 3


# -- sources -----------------------------------------------------------------------------------------------


def from_folder(spark: SparkSession, folder: str) -> DataFrame:
    return spark.readStream.schema(SALE).json(folder)


def from_socket(spark: SparkSession, host: str, port: int) -> DataFrame:
    lines = spark.readStream.format("socket").option("host", host).option("port", port).load()
    return parsed(lines, F.col("value"))


def from_kafka(spark: SparkSession, servers: str) -> DataFrame:
    reader = spark.readStream.format("kafka").option("kafka.bootstrap.servers", servers)
    records = reader.option("subscribe", TOPIC).option("startingOffsets", "earliest").load()
    return parsed(records, F.col("value").cast("string"))


def parsed(lines: DataFrame, text: Column) -> DataFrame:
    return lines.select(F.from_json(text, SALE).alias("sale")).select("sale.*")


# -- aggregations ------------------------------------------------------------------------------------------


def tumbling(sales: DataFrame) -> DataFrame:
    """Revenue and sales of every minute."""
    minutes = sales.withWatermark("timestamp", LATENESS).groupBy(F.window("timestamp", "1 minute"))
    return minutes.agg(revenue(), F.count("*").alias("sales")).select("window.start", "revenue", "sales")


def sliding(sales: DataFrame) -> DataFrame:
    """Revenue per category of two minutes, every thirty seconds."""
    window = F.window("timestamp", "2 minutes", "30 seconds")
    groups = sales.withWatermark("timestamp", LATENESS).groupBy(window, "category")
    return groups.agg(revenue()).select("window.start", "category", "revenue")


def totals(sales: DataFrame) -> DataFrame:
    """Everything so far, per category."""
    pieces = F.sum("quantity").alias("pieces")
    return sales.groupBy("category").agg(revenue(), pieces, F.count("*").alias("sales"))


def customers(sales: DataFrame) -> DataFrame:
    """What each customer has spent so far, and on how many sales."""
    dearest = F.max("amount").alias("dearest")
    return sales.groupBy("customer_id").agg(revenue(), F.count("*").alias("sales"), dearest)


def anomalies(sales: DataFrame) -> DataFrame:
    """Minutes in which one sale of a product stands more than three deviations above the mean."""
    groups = sales.withWatermark("timestamp", LATENESS).groupBy(F.window("timestamp", "1 minute"), "product")
    measured = groups.agg(
        F.max_by("transaction_id", "amount").alias("transaction_id"),
        F.max("amount").alias("amount"),
        F.avg("amount").alias("mean"),
        F.stddev_pop("amount").alias("deviation"),
    )
    outliers = measured.where(F.col("amount") > F.col("mean") + DEVIATIONS_MAX * F.col("deviation"))
    return outliers.select("window.start", "product", "transaction_id", "amount")


def revenue() -> Column:
    return F.sum(F.col("amount").cast("decimal(12,2)") * F.col("quantity")).alias("revenue")


QUERIES: dict[str, tuple[Callable[[DataFrame], DataFrame], str]] = {
    "tumbling": (tumbling, "update"),
    "sliding": (sliding, "update"),
    "totals": (totals, "complete"),
    "customers": (customers, "update"),
    "anomalies": (anomalies, "append"),
}
"""Name -> aggregation and output mode."""


def start(sales: DataFrame, name: str, sink: str, trigger: dict) -> StreamingQuery:
    aggregate, output_mode = QUERIES[name]
    writer = aggregate(sales).writeStream.format(sink).queryName(name).outputMode(output_mode)
    return writer.option("truncate", "false").trigger(**trigger).start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("leads-data/sales"))
    parser.add_argument("--socket", metavar="HOST:PORT")
    parser.add_argument("--servers", help="Kafka's host:port")
    parser.add_argument("--query", choices=QUERIES, action="append", help="which ones (all)")
    parser.add_argument("--once", action="store_true", help="add up what is there and end")
    options = parser.parse_args()
    spark = SparkSession.builder.appName("sales").config("spark.sql.shuffle.partitions", 2).getOrCreate()
    if options.servers:
        sales = from_kafka(spark, options.servers)
    elif options.socket:
        host, _, port = options.socket.partition(":")
        sales = from_socket(spark, host, int(port))
    else:
        sales = from_folder(spark, str(options.folder.resolve()))
    names = options.query or list(QUERIES)
    if options.once:
        for name in names:
            print(name)
            start(sales, name, "console", {"availableNow": True}).awaitTermination()
    else:
        for name in names:
            start(sales, name, "console", {"processingTime": "5 seconds"})
        spark.streams.awaitAnyTermination()


if __name__ == "__main__":
    main()

"""The batch side: raw sales, staging, and the daily mart, computed anew from the topics.

raw_sales      every sale once, as it came
staging_sales  gross, net, when it was loaded and the hash of what it was made of
daily_metrics  by day, region and customer segment
"""

from customers import as_of
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from schema import Place, read_table, read_topic, timed

RAW = ("order_id", "user_id", "product_id", "amount", "discount", "region", "sold_at", "day")


def run(spark: SparkSession, place: Place) -> None:
    save(raw(read_topic(spark, place, "compras")), place, "raw_sales")
    save(staging(read_table(spark, place, "raw_sales")), place, "staging_sales")
    clicks = timed(read_topic(spark, place, "clicks")).dropDuplicates(["event_id"])
    sales = read_table(spark, place, "staging_sales")
    save(daily(sales, clicks, read_table(spark, place, "customers")), place, "daily_metrics")


def save(table: DataFrame, place: Place, name: str) -> None:
    table.write.format("delta").mode("overwrite").save(place.table(name))


def raw(purchases: DataFrame) -> DataFrame:
    sold = timed(purchases).dropDuplicates(["event_id"])
    named = sold.withColumnsRenamed({"event_id": "order_id", "at": "sold_at"})
    return named.select(*RAW)


def staging(sales: DataFrame) -> DataFrame:
    gross = F.col("amount").cast("decimal(12,2)")
    net = (gross - F.col("discount").cast("decimal(12,2)")).cast("decimal(12,2)")
    source = F.sha2(F.concat_ws("|", *[F.col(name).cast("string") for name in RAW]), 256)
    loaded = {"_loaded_at": F.current_timestamp(), "_source_hash": source}
    kept = sales.withColumns({"gross": gross, "net": net, **loaded})
    return kept.drop("amount")


def daily(sales: DataFrame, clicks: DataFrame, customers: DataFrame) -> DataFrame:
    """What was sold per day, region and segment, and which share of the clicks that was."""
    by = ["day", "region", "segment"]
    sold = (
        as_of(sales, customers)
        .groupBy(*by)
        .agg(
            F.sum("gross").alias("gross_revenue"),
            F.sum("net").alias("net_revenue"),
            F.sum(F.col("discount").cast("decimal(12,2)")).alias("discounts"),
            F.count("*").alias("transactions"),
            F.count_distinct("user_id").alias("unique_users"),
        )
    )
    clicked = (
        as_of(clicks.withColumnRenamed("at", "sold_at"), customers)
        .groupBy(*by)
        .agg(F.count("*").alias("clicks"))
    )
    ticket = F.round(F.col("net_revenue") / F.col("transactions"), 2).alias("ticket")
    conversion = F.when(F.col("clicks") > 0, F.round(F.col("transactions") / F.col("clicks"), 4))
    both = sold.join(clicked, by, "left")
    return both.select(*sold.columns, ticket, conversion.alias("conversion"))

"""View, cart, purchase: how many users got how far with each product."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from schema import Place, read_table

STEPS = ("click", "add_to_cart", "purchase")
WITHIN = "INTERVAL 30 MINUTES"


def run(spark: SparkSession, place: Place) -> None:
    per_product(read_table(spark, place, "events")).write.format("delta").mode("overwrite").save(
        place.table("funnel")
    )


def per_product(events: DataFrame) -> DataFrame:
    """A step counts for a user who took the one before it earlier."""
    steps = events.where(F.col("product_id").isNotNull() & F.col("event_type").isin(*STEPS))
    paths = steps.groupBy("product_id", "user_id").agg(
        first_time("click").alias("viewed"),
        times("add_to_cart").alias("carts"),
        times("purchase").alias("buys"),
    )
    carted = paths.withColumn("carted", F.expr("array_min(filter(carts, t -> t >= viewed))"))
    bought = carted.withColumn("bought", F.expr("array_min(filter(buys, t -> t >= carted))"))
    groups = bought.groupBy("product_id").agg(
        F.count("viewed").alias("viewers"),
        F.count("carted").alias("carted"),
        F.count("bought").alias("buyers"),
        F.count_if(F.expr(f"bought <= viewed + {WITHIN}")).alias("buyers_within_30_min"),
    )
    rate = F.when(F.col("viewers") > 0, F.round(F.col("buyers") / F.col("viewers"), 4))
    return groups.withColumn("conversion", rate)


def first_time(event_type: str) -> Column:
    return F.min(F.when(F.col("event_type") == event_type, F.col("at")))


def times(event_type: str) -> Column:
    return F.collect_list(F.when(F.col("event_type") == event_type, F.col("at")))

"""Real time: clicks, carts, purchases, revenue, conversion and unique users per minute and region."""

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery
from schema import LATENESS, Place, Trigger, stream_table

KEY = "t.minute = s.minute AND t.region = s.region"


def metrics(spark: SparkSession, place: Place, trigger: Trigger) -> StreamingQuery:
    """Every changed minute is merged into the table at once; nobody waits for a window to close."""
    target = place.table("minute_metrics")

    def save(minutes: DataFrame, batch_id: int) -> None:
        table = DeltaTable.createIfNotExists(minutes.sparkSession).location(target)
        merge = table.addColumns(minutes.schema).execute().alias("t").merge(minutes.alias("s"), KEY)
        merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()

    writer = per_minute(stream_table(spark, place, "events")).writeStream.outputMode("update")
    query = writer.queryName("metrics").foreachBatch(save)
    return query.option("checkpointLocation", place.checkpoint("metrics")).trigger(**trigger).start()


def per_minute(events: DataFrame) -> DataFrame:
    groups = events.withWatermark("at", LATENESS).groupBy(F.window("at", "1 minute"), "region")
    counted = groups.agg(
        times("click").alias("clicks"),
        times("add_to_cart").alias("add_to_cart"),
        times("purchase").alias("purchases"),
        revenue().alias("revenue"),
        # Exact, and allowed on a stream where a distinct count is not.
        F.size(F.collect_set("user_id")).alias("unique_users"),
    )
    conversion = F.when(F.col("clicks") > 0, F.round(F.col("purchases") / F.col("clicks"), 4))
    values = ["clicks", "add_to_cart", "purchases", "revenue", conversion.alias("conversion_rate")]
    return counted.select(F.col("window.start").alias("minute"), "region", *values, "unique_users")


def times(event_type: str) -> Column:
    return F.count(F.when(F.col("event_type") == event_type, F.lit(1)))


def revenue() -> Column:
    bought = F.when(F.col("event_type") == "purchase", F.col("net")).otherwise(F.lit(0).cast("decimal(12,2)"))
    return F.sum(bought)

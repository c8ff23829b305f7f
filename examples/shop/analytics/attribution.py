"""Last click: each purchase belongs to the campaign its buyer clicked on last, within half an hour."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery
from schema import Place, Trigger, stream_table

WATERMARK = "35 minutes"
CLICKED_BEFORE = F.expr("user_id = clicker AND clicked_at <= at AND clicked_at >= at - INTERVAL 30 MINUTES")


def attribution(spark: SparkSession, place: Place, trigger: Trigger) -> StreamingQuery:
    """Each purchase once, when no earlier click can arrive any more."""
    frame = attributed(stream_table(spark, place, "events"), stream_table(spark, place, "events"))
    writer = frame.writeStream.queryName("attribution").format("delta")
    writer = writer.option("checkpointLocation", place.checkpoint("attribution")).trigger(**trigger)
    return writer.start(place.table("attribution"))


def attributed(purchases: DataFrame, clicks: DataFrame) -> DataFrame:
    """A stream of purchases joined to one of clicks; the newest click of each purchase wins."""
    bought = purchases.where("event_type = 'purchase'").select("event_id", "user_id", "net", "at")
    clicked = clicks.where("event_type = 'click' AND campaign IS NOT NULL").select(
        F.col("user_id").alias("clicker"), "campaign", F.col("at").alias("clicked_at")
    )
    pairs = bought.withWatermark("at", WATERMARK).join(
        clicked.withWatermark("clicked_at", WATERMARK), CLICKED_BEFORE, "left"
    )
    # One event time goes on; the other one stays as a number.
    known = pairs.select("event_id", "user_id", "net", "at", "campaign", clicked_us().alias("clicked_us"))
    last = F.max_by("campaign", "clicked_us")
    groups = known.groupBy("event_id", "user_id", "net", F.window("at", "1 minute"))
    return groups.agg(last.alias("campaign")).select(
        "event_id", "user_id", "net", F.coalesce("campaign", F.lit("direct")).alias("campaign")
    )


def clicked_us() -> Column:
    return F.unix_micros("clicked_at")

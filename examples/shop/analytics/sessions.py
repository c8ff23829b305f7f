"""Sessions: a user's events with no five minutes of silence between them."""

from metrics import revenue
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery
from schema import LATENESS, Place, Trigger, stream_table

GAP = "5 minutes"


def sessions(spark: SparkSession, place: Place, trigger: Trigger) -> StreamingQuery:
    """Each session once, when it is over."""
    frame = per_session(stream_table(spark, place, "events"))
    writer = frame.writeStream.queryName("sessions").format("delta")
    writer = writer.option("checkpointLocation", place.checkpoint("sessions")).trigger(**trigger)
    return writer.start(place.table("sessions"))


def per_session(events: DataFrame) -> DataFrame:
    groups = events.withWatermark("at", LATENESS).groupBy(F.session_window("at", GAP), "user_id")
    counted = groups.agg(
        F.count("*").alias("events"),
        revenue().alias("value"),
        F.max(F.col("event_type") == "purchase").alias("bought"),
    )
    window = [F.col("session_window.start").alias("started"), F.col("session_window.end").alias("ended")]
    return counted.select("user_id", *window, "events", "value", "bought")

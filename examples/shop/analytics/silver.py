"""Topics to silver: each event once, with its time, its amounts and the product's category of that moment."""

from catalogue import read as read_catalogue
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery
from pyspark.sql.types import StructType
from schema import LATENESS, SILVER, TOPICS, Place, Trigger, stream_topic, timed


def silver(spark: SparkSession, place: Place, trigger: Trigger) -> StreamingQuery:
    target = place.table("events")

    def save(events: DataFrame, batch_id: int) -> None:
        # The catalogue is read anew; a batch that is repeated after a crash is not written twice.
        enriched = with_category(events, read_catalogue(events.sparkSession, place))
        writer = enriched.write.format("delta").mode("append").partitionBy("day")
        writer.option("txnAppId", "silver").option("txnVersion", batch_id).save(target)

    writer = unique_events(spark, place).writeStream.queryName("silver").foreachBatch(save)
    return writer.option("checkpointLocation", place.checkpoint("silver")).trigger(**trigger).start()


def unique_events(spark: SparkSession, place: Place) -> DataFrame:
    """All topics. Each has its own watermark, and the slowest counts: no topic makes another one late."""
    topics = [timed(stream_topic(spark, place, topic)).withWatermark("at", LATENESS) for topic in TOPICS]
    events = topics[0]
    for topic in topics[1:]:
        events = events.union(topic)
    return events.dropDuplicatesWithinWatermark(["event_id"])


def with_category(events: DataFrame, catalogue: DataFrame) -> DataFrame:
    products = catalogue.select("product_id", "category")
    return events.join(products, "product_id", "left").select(*StructType.fromDDL(SILVER).names)

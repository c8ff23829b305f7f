"""The customer dimension with its history (SCD2): a row per version, valid from one change to the next."""

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery
from pyspark.sql.types import StructType
from schema import CUSTOMER, Place, Trigger

DIMENSION = (
    "user_id string, name string, email string, segment string, valid_from timestamp, valid_to timestamp, "
    "current boolean"
)


def customers(spark: SparkSession, place: Place, trigger: Trigger) -> StreamingQuery:
    """Follows the folder into which the shop's customer changes are dropped."""
    table = DeltaTable.createIfNotExists(spark).location(place.table("customers"))
    table.addColumns(StructType.fromDDL(DIMENSION)).execute()

    def save(changes: DataFrame, batch_id: int) -> None:
        apply_changes(changes, place)

    changes = spark.readStream.schema(CUSTOMER).json(place.folder("landing/customers"))
    writer = changes.writeStream.queryName("customers").foreachBatch(save)
    return writer.option("checkpointLocation", place.checkpoint("customers")).trigger(**trigger).start()


def apply_changes(changes: DataFrame, place: Place) -> None:
    """One MERGE: the current row of each changed customer ends, and the new versions begin.

    Changes that are not newer than what is known do nothing, so a repeated batch does nothing either.
    """
    dimension = DeltaTable.forPath(changes.sparkSession, place.table("customers"))
    new = versions(changes, dimension.toDF())
    first = new.withColumn("n", F.row_number().over(Window.partitionBy("user_id").orderBy("valid_from")))
    ending = first.where("n = 1").drop("n").withColumn("merge_key", F.col("user_id"))
    beginning = new.withColumn("merge_key", F.lit(None).cast("string"))
    merge = dimension.alias("d").merge(
        ending.unionByName(beginning).alias("c"), "d.user_id = c.merge_key AND d.current"
    )
    merge = merge.whenMatchedUpdate(set={"valid_to": "c.valid_from", "current": "false"})
    values = {name: f"c.{name}" for name in StructType.fromDDL(DIMENSION).names}
    merge.whenNotMatchedInsert(condition="c.merge_key IS NULL", values=values).execute()


def versions(changes: DataFrame, dimension: DataFrame) -> DataFrame:
    """The new rows: each change is valid until the next one of the same customer."""
    known = dimension.groupBy(F.col("user_id").alias("known_id")).agg(F.max("valid_from").alias("known_from"))
    changed = changes.withColumn("valid_from", F.timestamp_millis("changed_at")).drop("changed_at")
    joined = changed.join(known, F.col("user_id") == F.col("known_id"), "left")
    newer = joined.where("known_from IS NULL OR valid_from > known_from").dropDuplicates(
        ["user_id", "valid_from"]
    )
    following = F.lead("valid_from").over(Window.partitionBy("user_id").orderBy("valid_from"))
    bounded = newer.withColumn("valid_to", following).withColumn("current", F.col("valid_to").isNull())
    return bounded.select(*StructType.fromDDL(DIMENSION).names)


def as_of(sales: DataFrame, dimension: DataFrame) -> DataFrame:
    """Sales with the segment their customer had at the time."""
    versions = dimension.select(F.col("user_id").alias("customer"), "segment", "valid_from", "valid_to")
    condition = F.expr(
        "user_id = customer AND sold_at >= valid_from AND (valid_to IS NULL OR sold_at < valid_to)"
    )
    return sales.join(versions, condition, "left").drop("customer", "valid_from", "valid_to")

"""The state of joins of two streams: each side's rows by joinSide, and Spark's own stores by name."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from state_verbs import changes, metadata, state
from verbs import Events

STEPS = [
    ("left", [(10, "a"), (11, "b")]),
    ("left", [(12, "a")]),
    ("right", [(13, "a"), (14, None)]),
    ("left", [(30, "c")]),
    ("right", [(31, "d")]),
]
COUNTS = ("left-keyToNumValues", "right-keyToNumValues")
# Whether a row has matched is known here only of sides that an outer join keeps.
STORES = {"inner": COUNTS, "left_outer": (*COUNTS, "left-keyWithIndexToValue")}


def run(spark: SparkSession, directory: Path):
    found = {}
    for how in ("inner", "left_outer"):
        checkpoint = directory / how
        join_in_turns(spark, directory, checkpoint, how)
        found[how] = {
            "left": state(spark, checkpoint, joinSide="left"),
            "right": state(spark, checkpoint, joinSide="right"),
            "left at first": state(spark, checkpoint, joinSide="left", batchId=0),
            "right at first": state(spark, checkpoint, joinSide="right", batchId=0),
            "neither": state(spark, checkpoint),
            "metadata": metadata(spark, checkpoint),
            "stores": {name: state(spark, checkpoint, storeName=name) for name in STORES[how]},
            "changes": {
                name: changes(spark, checkpoint, storeName=name, changeStartBatchId=0) for name in STORES[how]
            },
        }
    return found


def join_in_turns(spark: SparkSession, directory: Path, checkpoint: Path, how: str) -> None:
    left, right = Events(spark, directory / f"{how}-left"), Events(spark, directory / f"{how}-right")
    joined = within_5_s(left, right, how)
    for side, batch in STEPS:
        (left if side == "left" else right).add(*batch)
        writer = joined.writeStream.format("noop").option("checkpointLocation", str(checkpoint))
        writer.trigger(availableNow=True).start().awaitTermination()


def within_5_s(left: Events, right: Events, how: str) -> DataFrame:
    one = left.with_watermark("10 seconds").select(
        F.col("value").alias("l"), F.col("time").alias("lt"), "second"
    )
    other = right.with_watermark("10 seconds").select(F.col("value").alias("r"), F.col("time").alias("rt"))
    condition = F.expr("l = r AND rt >= lt AND rt <= lt + INTERVAL 5 SECONDS")
    return one.join(other, condition, how)

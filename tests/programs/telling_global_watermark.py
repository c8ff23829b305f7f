"""Telling cases 6-9, 15: the watermark of several streams, and what a restart knows of it."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from telling import batches_of, counts, restarted, told_of_two
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    return {
        "6 the slower of two": told_of_two(
            spark,
            directory / "6",
            both(10, 5),
            [
                ("left", [11]),
                ("right", [6]),
                ("right", [8]),
                ("left", [21]),
                ("right", [17, 28, 39]),
                ("left", [31]),
            ],
            "update",
        ),
        "7 after a restart": after_a_restart(spark, directory / "7"),
        "8 the faster of two": the_faster(spark, directory / "8"),
        "9 once": once(spark, directory / "9"),
        "15 pending at a restart": pending(spark, directory / "15"),
    }


def both(left_s: int, right_s: int):
    def build(left: Events, right: Events) -> DataFrame:
        frame = left.with_watermark(f"{left_s} seconds").union(right.with_watermark(f"{right_s} seconds"))
        windows = frame.groupBy(F.window("time", "5 seconds").alias("w")).count()
        return windows.select(F.col("w.start").cast("long"), "count")

    return build


def after_a_restart(spark: SparkSession, path: Path):
    sides = {side: Events(spark, path / side) for side in ("left", "right")}
    frame = both(10, 5)(sides["left"], sides["right"])
    ahead = [("left", [200]), ("right", [190])]
    return restarted(frame, sides, [ahead, [("right", [200]), ("left", [200])]], path, "update")


def the_faster(spark: SparkSession, path: Path):
    sides = {side: Events(spark, path / side) for side in ("left", "right")}
    frame = both(10, 15)(sides["left"], sides["right"])
    spark.conf.set("spark.sql.streaming.multipleWatermarkPolicy", "max")
    try:
        first = restarted(frame, sides, [[("left", [20]), ("right", [30])]], path, "update")
    finally:
        spark.conf.unset("spark.sql.streaming.multipleWatermarkPolicy")
    return first + restarted(frame, sides, [[("left", [22]), ("right", [31])]], path, "update")


def once(spark: SparkSession, path: Path):
    events = Events(spark, path / "in")
    starts = counts()(events).toDF("start", "count")
    found = []
    for seconds in ([15], [10, 12, 14], [25], [50], [50]):
        events.add(*seconds)
        writer = starts.writeStream.format("json").option("checkpointLocation", str(path / "checkpoint"))
        query = writer.trigger(once=True).start(str(path / "out"))
        query.awaitTermination()
        answer = spark.read.schema("start long, count long").json(str(path / "out"))
        found.append({"rows": sorted_rows(answer), "batches": batches_of(query)})
    return found


def pending(spark: SparkSession, path: Path):
    """The watermark of the last batch before a restart closes windows only when data comes."""
    events = Events(spark, path / "in")
    starts = counts()(events).toDF("start", "count")
    spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    found = []
    for seconds in ([10, 25], [], [26]):
        if seconds:
            events.add(*seconds)
        writer = starts.writeStream.format("json").option("checkpointLocation", str(path / "checkpoint"))
        query = writer.trigger(availableNow=True).start(str(path / "out"))
        query.awaitTermination()
        spark.conf.unset("spark.sql.streaming.noDataMicroBatches.enabled")
        answer = spark.read.schema("start long, count long").json(str(path / "out"))
        found.append({"rows": sorted_rows(answer), "batches": batches_of(query)})
    return found

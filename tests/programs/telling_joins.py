"""Telling cases 23-29: what outer joins of two streams give, and when.

leftValue is 2 * key, rightValue is 3 * key.
"""

from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from telling import told_of_two
from verbs import Events, answers

MET = [("left", [1, 2, 3, 4, 5]), ("right", [3, 4, 5, 6, 7])]
LATER = [("left", [21]), ("right", [22])]
AFTER = [("left", [23]), ("right", [24])]


def run(spark: SparkSession, directory: Path):
    return {
        "23 windowed left outer": told_of_two(
            spark, directory / "23", windowed("left_outer"), [*MET, *LATER]
        ),
        "24 left-only condition": told_of_two(
            spark, directory / "24", windowed("left_outer", "leftKey > 3"), [*MET, *LATER, *AFTER]
        ),
        "25 right-only condition": told_of_two(
            spark, directory / "25", windowed("left_outer", "rightKey > 3"), [*MET, *LATER, *AFTER]
        ),
        "26 range left outer": told_of_two(
            spark,
            directory / "26",
            ranges,
            [
                ("left", [(5, "1"), (5, "3")]),
                ("right", [(10, "1")]),
                ("right", [(11, "1")]),
                ("left", [(20, "0")]),
                ("right", [(21, "0")]),
                ("left", [(30, "0")]),
                ("right", [(40, "0")]),
            ],
        ),
        # Two sources read one folder: which batch lists a new file first is chance, so only rows are told.
        "27 self left outer": answers(
            spark,
            directory / "27",
            with_even_self,
            [[(1, "1"), (2, "2")], [(3, "3"), (4, "4")], [(20, "20")], [(40, "40")]],
        ),
        "28 range in one direction": told_of_two(
            spark,
            directory / "28",
            within_5_s_after,
            [("left", [(10, "1")]), ("left", [(30, "1")]), ("right", [(40, "1")]), ("left", [(41, "1")])],
        ),
        "29 windowed full outer": told_of_two(
            spark,
            directory / "29",
            windowed("full_outer"),
            [*MET, *LATER, *AFTER, ("left", [60]), ("right", [60])],
        ),
    }


def windowed(how: str, condition: str = "true") -> Callable[[Events, Events], DataFrame]:
    def build(left: Events, right: Events) -> DataFrame:
        one, other = side(left, "left", 2), side(right, "right", 3)
        equal = (one.leftKey == other.rightKey) & (one.leftWindow == other.rightWindow)
        joined = one.join(other, equal & F.expr(condition), how)
        key = F.coalesce("leftKey", "rightKey")
        end = F.coalesce("leftWindow.end", "rightWindow.end").cast("long")
        return joined.select(key, end, "leftValue", "rightValue")

    return build


def side(events: Events, name: str, factor: int) -> DataFrame:
    key = F.col("second").cast("int")
    return events.with_watermark("10 seconds").select(
        key.alias(f"{name}Key"),
        F.window("time", "10 seconds").alias(f"{name}Window"),
        (key * factor).alias(f"{name}Value"),
    )


def timed(events: Events, name: str, delay: str) -> DataFrame:
    return events.with_watermark(delay).select(
        F.col("value").alias(f"{name}Key"),
        F.col("time").alias(f"{name}Time"),
        F.col("second").alias(f"{name}Second"),
    )


def ranges(left: Events, right: Events) -> DataFrame:
    around = "rightTime - INTERVAL 5 SECONDS AND rightTime + INTERVAL 5 SECONDS"
    near = f"leftKey = rightKey AND leftTime BETWEEN {around}"
    joined = timed(left, "left", "10 seconds").join(
        timed(right, "right", "20 seconds"), F.expr(near), "left_outer"
    )
    return joined.select("leftKey", "rightKey", "leftSecond", "rightSecond")


def with_even_self(events: Events) -> DataFrame:
    everything = events.with_watermark("10 seconds")
    one = everything.select(F.col("value").alias("leftKey"), F.col("time").alias("leftTime"))
    even = everything.where("CAST(value AS INT) % 2 = 0")
    other = even.select(F.col("value").alias("rightKey"), F.col("time").alias("rightTime"))
    near = "leftKey = rightKey AND rightTime BETWEEN leftTime AND leftTime + INTERVAL 5 SECONDS"
    return one.join(other, F.expr(near), "left_outer").select("leftKey", "rightKey")


def within_5_s_after(left: Events, right: Events) -> DataFrame:
    near = "leftKey = rightKey AND rightTime BETWEEN leftTime AND leftTime + INTERVAL 5 SECONDS"
    joined = timed(left, "left", "10 seconds").join(
        timed(right, "right", "10 seconds"), F.expr(near), "left_outer"
    )
    return joined.select("leftKey", "leftSecond", "rightKey", "rightSecond")

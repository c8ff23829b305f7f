"""Columns of the two sides are told apart by frame, by alias, by USING and in SQL."""

from pathlib import Path

from join_verbs import answers_of_two
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events

STEPS = [
    ("left", [(1, "a"), (2, "b")]),
    ("right", [(3, "a"), (4, "c"), (2, "b")]),
    ("left", [(20, "d")]),
    ("right", [(20, "d")]),
]


def run(spark: SparkSession, directory: Path):
    queries = {
        "by frame": by_frame,
        "by frame after more steps": by_frame_later,
        "by alias": by_alias,
        "using": using,
        "using, outer": using_outer,
        "using, full outer": using_full_outer,
        "renamed and dropped": renamed_and_dropped,
        "three streams": three_streams,
        "with a table too": lambda left, right: with_a_table(spark, left, right),
        "sql": lambda left, right: sql(spark, left, right),
        "sql, comma join": lambda left, right: comma(spark, left, right),
    }
    return {
        name: answers_of_two(spark, directory / name.replace(" ", "_"), build, STEPS)
        for name, build in queries.items()
    }


def by_frame(left: Events, right: Events) -> DataFrame:
    one, other = left.frame, right.frame
    return one.join(other, one.value == other.value).select(
        one.second, other.second.alias("other"), other["value"], (other.second - one.second).alias("gap")
    )


def by_frame_later(left: Events, right: Events) -> DataFrame:
    one, other = left.frame, right.frame
    joined = one.join(other, one.value == other.value).where(other.second > one.second)
    return joined.withColumn("gap", other.second - one.second).select(one.second, "gap", other.value)


def by_alias(left: Events, right: Events) -> DataFrame:
    joined = left.frame.alias("l").join(right.frame.alias("r"), F.expr("l.value = r.value"))
    return joined.where("r.second > l.second").select("l.second", F.col("r.second").alias("other"), "l.value")


def using(left: Events, right: Events) -> DataFrame:
    one, other = left.frame, right.frame.withColumnsRenamed({"second": "other", "time": "other_time"})
    return one.join(other, ["value"]).drop("time", "other_time").select("*", other.value.alias("same"))


def using_outer(left: Events, right: Events) -> DataFrame:
    one, other = left.with_watermark("1 second"), right.with_watermark("1 second")
    joined = one.join(other, ["value", "time"], "right_outer")
    return joined.select("value", one.value.alias("own"), other.second)


def using_full_outer(left: Events, right: Events) -> DataFrame:
    one, other = left.with_watermark("1 second"), right.with_watermark("1 second")
    joined = one.join(other, ["time", "value"], "full_outer").select("*")
    return joined.select(
        "value", F.col("time").cast("long").alias("t"), one.second, other.second.alias("other")
    )


def renamed_and_dropped(left: Events, right: Events) -> DataFrame:
    one, other = left.frame, right.frame
    joined = one.join(other, one.value == other.value).drop(other.value, other.time).drop(one.time)
    return joined.withColumnRenamed("value", "name").select("name", one.second, other.second.alias("other"))


def three_streams(left: Events, right: Events) -> DataFrame:
    one, other = left.frame.alias("a"), right.frame.alias("b")
    third = left.frame.select("value", F.col("second").alias("again")).alias("c")
    joined = one.join(other, F.expr("a.value = b.value")).join(third, F.expr("b.value = c.value"))
    return joined.select("a.second", F.col("b.second").alias("other"), "c.again", "c.value")


def with_a_table(spark: SparkSession, left: Events, right: Events) -> DataFrame:
    fruit = spark.createDataFrame([("a", "apple"), ("b", "banana")], "value string, fruit string")
    one, other = left.frame, right.frame.join(fruit, "value")
    joined = one.join(other, one.value == other.value)
    return joined.select(one.value, other.fruit, other.second)


def sql(spark: SparkSession, left: Events, right: Events) -> DataFrame:
    left.frame.createOrReplaceTempView("clicks")
    right.frame.createOrReplaceTempView("views")
    return spark.sql(
        "SELECT c.value, c.second, v.second AS other, v.second - c.second AS gap FROM clicks c "
        "JOIN views AS v ON c.value = v.value WHERE v.second > 1 AND c.time < v.time"
    )


def comma(spark: SparkSession, left: Events, right: Events) -> DataFrame:
    left.frame.createOrReplaceTempView("clicks")
    right.frame.createOrReplaceTempView("views")
    return spark.sql("SELECT clicks.value, views.second FROM clicks, views WHERE clicks.value = views.value")

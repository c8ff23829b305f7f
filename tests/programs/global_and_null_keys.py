"""Groups with null keys, groups without rows, and aggregation without keys."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    batches = [[(1, None), (2, "a")], [(3, None), (4, "")]]
    return {
        "null keys": answers(spark, directory / "keys", by_value, batches, "update"),
        "no keys": answers(spark, directory / "global", overall, batches, "complete"),
        "nothing passes": answers(spark, directory / "nothing", nothing, batches, "complete"),
        "having": answers(spark, directory / "having", often, batches, "complete"),
    }


def by_value(events: Events) -> DataFrame:
    return events.frame.groupBy("value").agg(F.count("*"), F.count("value"), F.sum("second"))


def overall(events: Events) -> DataFrame:
    return events.frame.agg(F.count("*"), F.max("second"), F.collect_list("value"))


def nothing(events: Events) -> DataFrame:
    return events.frame.where("second > 100").agg(F.count("*"), F.sum("second"))


def often(events: Events) -> DataFrame:
    return events.frame.groupBy("value").count().where("count > 1").sort(F.desc("count"))

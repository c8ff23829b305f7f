"""S5-S8 A shop's live figures: sliding revenue, purchases per user, too many events a minute, a report.

cauce run examples/cookbook/activity.py
"""

from pathlib import Path

from kitchen import Topic, cook, rows, run_available
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

EVENT = "time timestamp, user string, event_type string, category string, amount double"
EVENTS_PER_MINUTE_MAX = 50


def recipe(spark: SparkSession, folder: Path) -> dict:
    events = Topic(spark, folder / "events", EVENT)
    events.send(*(event(second, "robot", "view", "toys", 0.0) for second in range(51)))
    events.send(event(5, "ada", "purchase", "books", 20.0), event(12, "ada", "purchase", "toys", 5.0))
    return {
        "revenue, 30 seconds every 10": run_available(revenue(events.frame), "complete"),
        "purchases per user": run_available(purchases(events.frame), "complete"),
        "more than 50 events in a minute": run_available(anomalies(events.frame), "complete"),
        "report, as a batch": rows(report(spark.read.schema(EVENT).json(str(folder / "events")))),
    }


def revenue(events: DataFrame) -> DataFrame:
    windows = purchased(events).groupBy(F.window("time", "30 seconds", "10 seconds").start.alias("start"))
    return windows.agg(F.count("*").alias("purchases"), F.sum("amount").alias("revenue"))


def purchases(events: DataFrame) -> DataFrame:
    return purchased(events).groupBy("user").agg(F.count("*").alias("n"), F.sum("amount").alias("revenue"))


def anomalies(events: DataFrame) -> DataFrame:
    per_minute = events.groupBy(F.window("time", "1 minute").start.alias("start"), "user").count()
    return per_minute.where(F.col("count") > EVENTS_PER_MINUTE_MAX)


def report(events: DataFrame) -> DataFrame:
    bought = F.sum(F.when(F.col("event_type") == "purchase", F.col("amount")).otherwise(0.0))
    return events.groupBy("category").agg(F.count("*").alias("events"), bought.alias("revenue"))


def purchased(events: DataFrame) -> DataFrame:
    return events.where("event_type = 'purchase'")


def event(second: int, user: str, event_type: str, category: str, amount: float) -> dict:
    time = f"2026-01-01 10:00:{second:02}"
    return {"time": time, "user": user, "event_type": event_type, "category": category, "amount": amount}


if __name__ == "__main__":
    cook(recipe)

"""N14 Clicks joined to the impressions that led to them: same user and ad, within an hour.

    cauce run examples/cookbook/attribution.py

Both sides have a watermark and the condition bounds their distance in time, so the state of either side goes
when nothing can match it any more.
"""

from pathlib import Path

from kitchen import Topic, cook, run_available
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def recipe(spark: SparkSession, folder: Path) -> dict:
    impressions = Topic(spark, folder / "impressions", "shown timestamp, user string, ad string")
    clicks = Topic(spark, folder / "clicks", "clicked timestamp, user string")
    impressions.send(
        {"shown": "2026-01-01 10:00:00", "user": "ada", "ad": "shoes"},
        {"shown": "2026-01-01 10:05:00", "user": "bob", "ad": "hats"},
    )
    clicks.send(
        {"clicked": "2026-01-01 10:30:00", "user": "ada"},
        {"clicked": "2026-01-01 11:30:00", "user": "bob"},
        {"clicked": "2026-01-01 09:59:00", "user": "ada"},
    )
    return {
        "clicks within an hour of an impression": run_available(attributed(impressions.frame, clicks.frame))
    }


def attributed(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    shown = impressions.withWatermark("shown", "10 minutes").alias("i")
    clicked = clicks.withWatermark("clicked", "5 minutes").alias("c")
    condition = F.expr("i.user = c.user AND clicked >= shown AND clicked <= shown + INTERVAL 1 HOUR")
    return shown.join(clicked, condition).select("i.user", "ad", "shown", "clicked")


if __name__ == "__main__":
    cook(recipe)

"""N11 Choosing the watermark's delay: how late events really are, from a stream of arrivals.

    cauce run examples/cookbook/watermark_delay.py

A delay of the 99th percentile of lateness keeps 99% of the events; the price is that each window's answer
waits that long, with its state. Measure first, choose then.
"""

from pathlib import Path

from kitchen import Topic, cook, run_available
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def recipe(spark: SparkSession, folder: Path) -> dict:
    arrivals = Topic(spark, folder / "arrivals", "time timestamp, arrived timestamp")
    # 98 events are a second late, one is 45 and one 200 seconds late.
    lateness_s = [1] * 98 + [45, 200]
    arrivals.send(*({"time": minute(i), "arrived": minute(i, late)} for i, late in enumerate(lateness_s)))
    lateness = F.unix_timestamp("arrived") - F.unix_timestamp("time")
    percentiles = F.percentile_approx(lateness, [0.5, 0.95, 0.99], 10_000)
    return {
        "lateness in seconds: p50, p95, p99, maximum": run_available(
            arrivals.frame.agg(percentiles.alias("p"), F.max(lateness).alias("maximum")).select(
                "p", "maximum"
            ),
            "complete",
        )
    }


def minute(number: int, late_s: int = 0) -> str:
    return f"2026-01-01 {10 + number // 60:02}:{number % 60 + late_s // 60:02}:{late_s % 60:02}"


if __name__ == "__main__":
    cook(recipe)

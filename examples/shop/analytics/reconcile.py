"""Batch against streaming: the same revenue from both sides, per day and region.

    cauce run examples/shop/analytics/reconcile.py --data shop-data

More than 2% apart is a warning, more than 5% a failure (exit code 1).
"""

import argparse
import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from schema import Place, read_table

WARN_ABOVE, FAIL_ABOVE = 0.02, 0.05


def compare(minutes: DataFrame, sales: DataFrame) -> DataFrame:
    """day, region, streamed, batch, apart (a share of the batch's revenue) and verdict."""
    by_day = minutes.groupBy(F.to_date("minute").alias("day"), "region")
    streamed = by_day.agg(F.sum("revenue").alias("streamed"))
    batch = sales.groupBy("day", "region").agg(F.sum("net").alias("batch"))
    both = streamed.join(batch, ["day", "region"], "full").fillna({"streamed": 0, "batch": 0})
    difference = F.abs(F.col("streamed") - F.col("batch")).cast("double")
    # Revenue on one side only is all of it apart.
    share = F.when(difference == 0, 0.0).when(F.col("batch") == 0, 1.0)
    apart = both.withColumn("apart", share.otherwise(difference / F.col("batch").cast("double")))
    failed, warned = F.col("apart") > FAIL_ABOVE, F.col("apart") > WARN_ABOVE
    return apart.withColumn("verdict", F.when(failed, "fail").when(warned, "warn").otherwise("ok"))


def run(spark: SparkSession, place: Place) -> DataFrame:
    found = compare(read_table(spark, place, "minute_metrics"), read_table(spark, place, "staging_sales"))
    return found.orderBy("day", "region")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("shop-data"))
    spark = SparkSession.builder.appName("reconcile").getOrCreate()
    found = run(spark, Place(parser.parse_args().data))
    found.show()
    return 1 if found.where("verdict = 'fail'").count() else 0


if __name__ == "__main__":
    sys.exit(main())

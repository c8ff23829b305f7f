"""GDPR: somebody's rows leave every table, and then the files; nothing older than two years is kept.

    cauce run examples/shop/analytics/erase.py --data shop-data --user user_7

What is only counted (minutes, days, funnels) names nobody and stays. Topics forget by their own retention.
"""

import argparse
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from schema import Place

PERSONAL = ("events", "sessions", "attribution", "fraud_alerts", "customers", "raw_sales", "staging_sales")
DATED = {"events": "day", "raw_sales": "day", "staging_sales": "day", "daily_metrics": "day"}
ERASURES = "user_hash string, erased_at timestamp"
RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


def erase(spark: SparkSession, place: Place, users: list[str]) -> None:
    """Delete, remove the files that still hold the rows, and note that it was done (not of whom)."""
    for name in PERSONAL:
        DeltaTable.forPath(spark, place.table(name)).delete(F.col("user_id").isin(*users))
    remove_old_files(spark, place)
    noted = spark.createDataFrame([(user,) for user in users], "user_id string").select(
        F.sha2("user_id", 256).alias("user_hash"), F.current_timestamp().alias("erased_at")
    )
    noted.write.format("delta").mode("append").save(place.table("erasures"))


def remove_old_files(spark: SparkSession, place: Place) -> None:
    """At once: the usual week of time travel would keep what must go."""
    spark.conf.set(RETENTION_CHECK, "false")
    try:
        for name in PERSONAL:
            DeltaTable.forPath(spark, place.table(name)).vacuum(0)
    finally:
        spark.conf.unset(RETENTION_CHECK)


def forget_history(spark: SparkSession, place: Place, years: int = 2) -> None:
    for name, column in DATED.items():
        table = DeltaTable.forPath(spark, place.table(name))
        table.delete(F.col(column) < F.add_months(F.current_date(), -12 * years))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("shop-data"))
    parser.add_argument("--user", action="append", required=True)
    options = parser.parse_args()
    spark = SparkSession.builder.appName("erase").getOrCreate()
    place = Place(options.data)
    erase(spark, place, options.user)
    forget_history(spark, place)


if __name__ == "__main__":
    main()

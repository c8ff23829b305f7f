"""The product catalogue lives in a database; every batch sees it as it is at that moment.

cauce run examples/shop/analytics/catalogue.py --data shop-data --version 1     # replace it
"""

import argparse
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from schema import CATALOGUE, Place
from traffic import catalogue

TABLE = "catalogue"


def read(spark: SparkSession, place: Place) -> DataFrame:
    """Asked of the database each time a query over it runs."""
    return spark.read.format("jdbc").options(**place.database(), dbtable=TABLE).load()


def replace(spark: SparkSession, place: Place, version: int) -> None:
    products = spark.createDataFrame(catalogue(version), CATALOGUE).coalesce(1)
    products.write.format("jdbc").options(**place.database(), dbtable=TABLE).mode("overwrite").save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("shop-data"))
    parser.add_argument("--postgresql", help="jdbc:postgresql://host:port/name instead of SQLite")
    parser.add_argument("--version", type=int, default=0)
    options = parser.parse_args()
    spark = SparkSession.builder.appName("catalogue").getOrCreate()
    replace(spark, Place(options.data, None, options.postgresql), options.version)


if __name__ == "__main__":
    main()

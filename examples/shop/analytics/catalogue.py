"""The product catalogue lives in a database; every batch sees it as it is at that moment.

cauce run examples/shop/analytics/catalogue.py --data shop-data --version 1     # replace it
"""

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from schema import CATALOGUE, Place
from traffic import catalogue

TABLE = "catalogue"
TEXTS = ("product_id", "name", "category")


def read(spark: SparkSession, place: Place) -> DataFrame:
    """Asked of the database each time a query over it runs."""
    products = spark.read.format("jdbc").options(**place.database(), dbtable=TABLE).load()
    # Apache Spark takes SQLite's texts for varchar(0); what a function returns is plain text.
    return products.withColumns({name: F.trim(name) for name in TEXTS})


def replace(spark: SparkSession, place: Place, version: int) -> None:
    if place.postgresql is None:
        create_in_sqlite(place)
    products = spark.createDataFrame(catalogue(version), CATALOGUE).coalesce(1)
    products.write.format("jdbc").options(**place.database(), dbtable=TABLE).mode("overwrite").save()


def create_in_sqlite(place: Place) -> None:
    """Apache Spark knows SQLite too little to tell that a table is not there yet."""
    with closing(sqlite3.connect(place.database()["url"].removeprefix("jdbc:sqlite:"))) as database:
        database.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (product_id TEXT)")


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

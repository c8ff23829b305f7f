"""Revenue per category in a PostgreSQL table, kept exactly once through crashes.

    cauce run examples/postgresql/revenue.py FOLDER DATABASE CHECKPOINT

Events are JSON files in FOLDER; DATABASE is an address such as postgresql://user:password@host/shop. A batch
adds its sums and leaves its id in one transaction, so a repetition of it finds the id and adds nothing.
"""

import sys

import psycopg
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

TABLES = """
CREATE TABLE IF NOT EXISTS batches (query text, id bigint, PRIMARY KEY (query, id));
CREATE TABLE IF NOT EXISTS revenue (category text PRIMARY KEY, revenue numeric(18,2) NOT NULL);
"""
CLAIM = "INSERT INTO batches (query, id) VALUES ('revenue', %s) ON CONFLICT DO NOTHING RETURNING id"
ADD = """
INSERT INTO revenue (category, revenue) VALUES (%s, %s)
ON CONFLICT (category) DO UPDATE SET revenue = revenue.revenue + excluded.revenue
"""


def main(folder: str, database: str, checkpoint: str) -> None:
    spark = SparkSession.builder.appName("revenue").getOrCreate()
    with psycopg.connect(database) as connection:
        connection.execute(TABLES)
    events = spark.readStream.schema("category string, price decimal(10,2)").json(folder)
    query = (
        events.writeStream.foreachBatch(lambda batch, batch_id: save(batch, batch_id, database))
        .option("checkpointLocation", checkpoint)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    spark.stop()


def save(batch: DataFrame, batch_id: int, database: str) -> None:
    sums = batch.groupBy("category").agg(F.sum("price").alias("revenue")).collect()
    with psycopg.connect(database) as connection:  # commits at the end, or not at all
        if connection.execute(CLAIM, [batch_id]).fetchone() is None:
            return  # written before a crash
        connection.cursor().executemany(ADD, [tuple(row) for row in sums])


if __name__ == "__main__":
    main(*sys.argv[1:])

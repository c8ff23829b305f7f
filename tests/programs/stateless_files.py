"""CSV files become Parquet files, filtered and reshaped on the way."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Folder, sorted_rows


def run(spark: SparkSession, directory: Path):
    orders = Folder(directory / "orders")
    orders.add("1,apple,3\n2,pear,0\n", ".csv")
    orders.add("3,fig,12\n4,apple,7\n", ".csv")
    stream = spark.readStream.schema("id long, item string, amount int").csv(str(orders.path))
    large = stream.where("amount > 2").select(
        "id", F.upper("item").alias("item"), (F.col("amount") * 2).alias("twice")
    )
    writer = large.writeStream.format("parquet").option("checkpointLocation", str(directory / "checkpoint"))
    writer.trigger(availableNow=True).start(str(directory / "out")).awaitTermination()
    return sorted_rows(spark.read.parquet(str(directory / "out")))

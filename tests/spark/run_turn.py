"""One turn of a query over a checkpoint it shares with another engine: `run_turn.py DIRECTORY`.

With classic PySpark it starts its own Spark; with SPARK_REMOTE set it runs wherever that leads.
"""

import sys
from pathlib import Path

from pyspark.sql import SparkSession


def turn(spark: SparkSession, directory: Path) -> None:
    """Stateless, file to file, two files a batch: everything that has arrived since the last turn."""
    reader = spark.readStream.schema("id long, name string").option("maxFilesPerTrigger", 2)
    named = reader.json(str(directory / "in")).where("id % 5 <> 0").selectExpr("id", "upper(name) AS name")
    writer = named.writeStream.format("parquet").option("checkpointLocation", str(directory / "checkpoint"))
    writer.trigger(availableNow=True).start(str(directory / "out")).awaitTermination()


def main(directory: str) -> None:
    builder = SparkSession.builder.config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    turn(spark, Path(directory))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Apache Spark's turn: `on_spark.py OUT.json FOLDER` runs the examples with the jars they need."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from example_answers import leads_answers, shop_answers
from pyspark.sql import SparkSession

PACKAGES = (
    "io.delta:delta-spark_4.2_2.13:4.4.0",
    "org.xerial:sqlite-jdbc:3.50.3.0",
)
SETTINGS = {
    "spark.jars.packages": ",".join(PACKAGES),
    "spark.ui.enabled": "false",
    "spark.default.parallelism": "1",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def main(out: str, folder: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    answers = {"leads": leads_answers(spark, Path(folder, "leads"))}
    answers["shop"] = shop_answers(spark, Path(folder, "shop"))
    Path(out).write_text(json.dumps(answers, indent=1))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

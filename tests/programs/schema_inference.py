"""A stream of files may learn its columns from what is there already, partition folders included."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Folder, process


def run(spark: SparkSession, directory: Path):
    for day in ("2024-01-01", "2024-01-02"):
        Folder(directory / "in" / f"day={day}").add_json([{"id": 1, "name": day[-1]}])
    spark.conf.set("spark.sql.streaming.schemaInference", "true")
    stream = spark.readStream.json(str(directory / "in"))
    schema = stream.schema.simpleString()
    found = process(stream.selectExpr("id", "name", "CAST(day AS STRING) AS day"), directory)
    spark.conf.unset("spark.sql.streaming.schemaInference")
    return {"schema": schema, "rows": found}

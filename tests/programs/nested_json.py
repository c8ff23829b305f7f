"""JSON inside a column: from_json, fields of structs, exploded arrays, to_json."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Folder, process


def run(spark: SparkSession, directory: Path):
    folder = Folder(directory / "in")
    folder.add_json(
        [
            {
                "key": "k1",
                "body": '{"user": {"id": 7, "name": "Ann"}, '
                '"items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]}',
            },
            {"key": "k2", "body": '{"user": {"id": 8}, "items": []}'},
            {"key": "k3", "body": "not json"},
        ]
    )
    schema = "user struct<id: long, name: string>, items array<struct<sku: string, n: int>>"
    stream = spark.readStream.schema("key string, body string").json(str(folder.path))
    parsed = stream.select("key", F.from_json("body", schema).alias("b"))
    items = parsed.select("key", "b.user.id", "b.user.name", F.explode_outer("b.items").alias("item"))
    flat = items.select("key", "id", "name", "item.sku", F.col("item.n"), F.to_json("item").alias("text"))
    return process(flat, directory)

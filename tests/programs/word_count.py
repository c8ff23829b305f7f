"""The first program of Spark's guide: counting words of a text stream."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Folder, rows


def run(spark: SparkSession, directory: Path):
    text = Folder(directory / "text")
    lines = spark.readStream.text(str(text.path))
    words = lines.select(F.explode(F.split("value", " ")).alias("word"))
    counts = words.groupBy("word").count().orderBy("word")
    query = counts.writeStream.format("memory").queryName("words").outputMode("complete").start()
    found = []
    for paragraph in ("to be or\nnot to be\n", "or what\n"):
        text.add(paragraph, ".txt")
        query.processAllAvailable()
        found.append(rows(spark.table("words")))
    query.stop()
    return found

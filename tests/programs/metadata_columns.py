"""Where each row came from: the hidden _metadata column and input_file_name()."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Folder, process


def run(spark: SparkSession, directory: Path):
    folder = Folder(directory / "in")
    folder.add_json([{"id": 1}, {"id": 2}])
    folder.add_json([{"id": 3}])
    stream = spark.readStream.schema("id long").json(str(folder.path))
    metadata = stream.select("id", "_metadata.file_name", "_metadata.file_size")
    named = stream.select("id", F.element_at(F.split(F.input_file_name(), "/"), -1).alias("name"))
    return {
        "metadata": process(metadata, directory, name="m"),
        "input_file_name": process(named, directory, name="n"),
    }

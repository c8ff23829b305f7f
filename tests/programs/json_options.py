"""JSON with corrupt lines kept aside, dropped, and whole files as one record."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Folder, process


def run(spark: SparkSession, directory: Path):
    lines = Folder(directory / "lines")
    lines.add('{"id": 1, "tags": ["a", "b"]}\n{"id": "no number"\n{"id": 3}\n')
    whole = Folder(directory / "whole")
    whole.add('[\n {"id": 1, "tags": ["x"]},\n {"id": 2}\n]\n')
    schema = "id long, tags array<string>, bad string"
    kept = spark.readStream.schema(schema).option("columnNameOfCorruptRecord", "bad").json(str(lines.path))
    reader = spark.readStream.schema("id long, tags array<string>")
    dropped = reader.option("mode", "DROPMALFORMED").json(str(lines.path))
    multiline = (
        spark.readStream.schema("id long, tags array<string>").option("multiLine", True).json(str(whole.path))
    )
    return {
        "kept": process(kept, directory, name="kept"),
        "dropped": process(dropped, directory, name="dropped"),
        "whole": process(multiline, directory, name="whole"),
    }

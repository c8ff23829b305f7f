"""Which files a stream reads: globs in the path, pathGlobFilter, recursive lookup, hidden files left out."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import process


def run(spark: SparkSession, directory: Path):
    for name in ("a/1.json", "a/2.txt", "b/3.json", "b/deep/4.json", "a/_hidden.json", "a/.dot.json"):
        path = directory / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"name": "{name}"}}\n')
    reader = spark.readStream.schema("name string")
    root = str(directory / "in")
    return {
        "glob": process(reader.json(f"{root}/*"), directory, name="glob"),
        "filter": process(
            reader.option("pathGlobFilter", "*.json").json(f"{root}/a"), directory, name="filter"
        ),
        "recursive": process(
            reader.option("recursiveFileLookup", True).json(root), directory, name="recursive"
        ),
    }

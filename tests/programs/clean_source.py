"""Files that were read can be deleted or moved away."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events


def run(spark: SparkSession, directory: Path):
    return {
        "delete": left_over(spark, directory / "delete", cleanSource="delete"),
        "archive": left_over(
            spark, directory / "archive", cleanSource="archive", sourceArchiveDir=str(directory / "kept")
        ),
        "kept": [path.name for path in sorted((directory / "kept").rglob("*.json"))],
    }


def left_over(spark: SparkSession, directory: Path, **options: str) -> list[str]:
    spark.conf.set("spark.sql.streaming.fileSource.cleaner.numThreads", "0")
    events = Events(spark, directory / "in", maxFilesPerTrigger="1", **options)
    for second in range(3):
        events.add(second)
    query = events.frame.writeStream.format("noop").start()
    query.processAllAvailable()
    events.add(4)
    query.processAllAvailable()
    query.stop()
    return sorted(path.name for path in (directory / "in").iterdir() if not path.name.startswith("."))

"""The current time is the batch's: one moment for all rows, the same moment as in another column."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events, process


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add(1, 2, 3)
    stamped = events.frame.select(F.current_timestamp().alias("now"), F.current_date().alias("today"))
    found = process(stamped, directory)
    return {
        "moments": len({row[0] for row in found}),
        "agree": all(row[0].date() == row[1] for row in found),
    }

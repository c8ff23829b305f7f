"""The static side of a join is the files there were at start(): those that come later are not seen."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events, rows


def run(spark: SparkSession, directory: Path):
    table = directory / "table"
    add_fruit(spark, table, "a", "apple")
    events = Events(spark, directory / "in")
    stream = events.frame.join(spark.read.schema("value string, fruit string").json(str(table)), "value")
    query = stream.select("second", "fruit").writeStream.format("memory").queryName("fruits").start()
    events.add((1, "a"), (2, "b"))
    query.processAllAvailable()
    add_fruit(spark, table, "b", "banana")
    events.add((3, "a"), (4, "b"))
    query.processAllAvailable()
    query.stop()
    return sorted(rows(spark.table("fruits")))


def add_fruit(spark: SparkSession, table: Path, value: str, fruit: str) -> None:
    table.mkdir(exist_ok=True)
    (table / f"{value}.json").write_text(f'{{"value": "{value}", "fruit": "{fruit}"}}\n')

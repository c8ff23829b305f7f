"""Several queries at once over one source, each with its own progress; and one stream split three ways."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="1")
    queries = {
        "all": events.frame.select("second"),
        "even": events.frame.where("second % 2 = 0").select("second"),
        "counted": events.frame.groupBy("value").count(),
    }
    modes = {"counted": "complete"}
    started = [
        frame.writeStream.format("memory").queryName(name).outputMode(modes.get(name, "append")).start()
        for name, frame in queries.items()
    ]
    for second in range(4):
        events.add((second, "ab"[second % 2]))
    for query in started:
        query.processAllAvailable()
    active = len({query.id for query in spark.streams.active} & {query.id for query in started})
    for query in started:
        query.stop()
    return {"active": active} | {name: sorted_rows(spark.table(name)) for name in queries}

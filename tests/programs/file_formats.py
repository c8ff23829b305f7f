"""The file sink in every format, with its options, read back."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add((1, "a"), (2, None), (3, "c;d"))
    frame = events.frame.select("value", "second")
    found = {}
    for form, options in {
        "parquet": {},
        "orc": {},
        "json": {},
        "csv": {"header": "true", "sep": ";"},
    }.items():
        out = str(directory / form)
        writer = (
            frame.writeStream.format(form)
            .option("checkpointLocation", f"{out}-checkpoint")
            .options(**options)
        )
        writer.trigger(availableNow=True).start(out).awaitTermination()
        read = spark.read.format(form).options(**options).schema("value string, second double").load(out)
        found[form] = sorted_rows(read)
    return found

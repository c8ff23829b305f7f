"""What a wrong option, sink or mode is answered with at start(): class, condition and SQLSTATE."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from verbs import Events


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in").frame
    counts = events.groupBy("value").count()
    out = str(directory / "out")
    starts = {
        "unknown sink": lambda: write(events).format("nonsense").start(),
        "unknown source": lambda: write(spark.readStream.format("nonsense").load()).format("noop").start(),
        "unknown mode": lambda: write(events).format("noop").outputMode("sideways").start(),
        "memory without a name": lambda: write(events).format("memory").start(),
        "memory in complete mode twice": lambda: (
            write(events).format("memory").queryName("m").outputMode("complete").start()
        ),
        "files without a path": lambda: write(events).format("parquet").start(),
        "files in complete mode": lambda: (
            checked(write(counts), directory).format("parquet").outputMode("complete").start(out)
        ),
        "files in update mode": lambda: (
            checked(write(events), directory).format("json").outputMode("update").start(out)
        ),
        "files without a schema": lambda: spark.readStream.json(str(directory)).isStreaming,
        "files without a source path": lambda: (
            write(spark.readStream.schema("a int").format("json").load()).format("noop").start()
        ),
        "source path missing": lambda: (
            write(spark.readStream.schema("a int").json(out + "/missing")).format("noop").start()
        ),
        "no checkpoint": lambda: write(events).format("parquet").start(out),
        "unknown column": lambda: write(events.select("nothing")).format("noop").start(),
        "partition by unknown column": lambda: (
            checked(write(events), directory).format("json").partitionBy("nothing").start(out)
        ),
        "max files and max bytes": lambda: (
            write(
                spark.readStream.schema("a int")
                .option("maxFilesPerTrigger", 1)
                .option("maxBytesPerTrigger", 1)
                .json(str(directory))
            )
            .format("noop")
            .start()
        ),
        "max files of zero": lambda: (
            write(spark.readStream.schema("a int").option("maxFilesPerTrigger", 0).json(str(directory)))
            .format("noop")
            .start()
        ),
        "append of counts": lambda: write(counts).format("noop").start(),
        "complete without counts": lambda: write(events).format("noop").outputMode("complete").start(),
        "sort": lambda: write(events.sort("value")).format("noop").start(),
        "stream written as batch": lambda: events.write.parquet(out),
        "stream collected": lambda: events.collect(),
        "batch written as stream": lambda: spark.range(3).writeStream.format("noop").start(),
        "rate of nonsense": lambda: (
            spark.readStream.format("rate").option("rowsPerSecond", "many").load().schema
        ),
    }
    return {name: failure(start) for name, start in starts.items()}


def write(frame: DataFrame):
    return frame.writeStream


def checked(writer, directory: Path):
    return writer.option("checkpointLocation", str(directory / "checkpoint"))


def failure(start):
    try:
        query = start()
        if hasattr(query, "processAllAvailable"):
            try:
                query.processAllAvailable()
            finally:
                query.stop()
    except Exception as error:
        condition = getattr(error, "getCondition", lambda: None)()
        return [type(error).__name__, condition, getattr(error, "getSqlState", lambda: None)()]
    return None

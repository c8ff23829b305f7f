"""Every data type passes through a stream, its checkpoint's answer and a file sink unchanged."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events

COLUMNS = """
    CAST(second AS TINYINT) AS tiny, CAST(second AS SMALLINT) AS small, CAST(second AS INT) AS whole,
    CAST(second AS BIGINT) AS large, CAST(second AS FLOAT) AS single, second AS twofold,
    CAST(second AS DECIMAL(20, 3)) AS exact, second > 1 AS yes, value AS text, CAST(value AS BINARY) AS bytes,
    DATE '2024-02-29' AS day, time, CAST(time AS TIMESTAMP_NTZ) AS local_time,
    ARRAY(value, 'x') AS list, MAP(value, second) AS pairs,
    NAMED_STRUCT('a', value, 'b', ARRAY(second)) AS both,
    CAST(NULL AS STRING) AS nothing
"""


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add((1, "a"), (2.5, "b"))
    stream = events.frame.selectExpr(*split(COLUMNS))
    out = str(directory / "out")
    writer = stream.writeStream.format("parquet").option("checkpointLocation", str(directory / "checkpoint"))
    writer.trigger(availableNow=True).start(out).awaitTermination()
    again = spark.readStream.schema(stream.schema).parquet(out)
    grouped = again.groupBy("text").agg(*aggregates(again.columns))
    query = grouped.writeStream.format("memory").queryName("types").outputMode("complete")
    query.trigger(availableNow=True).start().awaitTermination()
    return {
        "schema": stream.schema.simpleString(),
        "written": shown(spark.read.parquet(out)),
        "grouped": shown(spark.table("types")),
        "grouped schema": spark.table("types").schema.simpleString(),
    }


def split(columns: str) -> list[str]:
    """The list, cut at commas outside of parentheses."""
    found, depth = [""], 0
    for character in " ".join(columns.split()):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            found.append("")
        else:
            found[-1] += character
    return [column.strip() for column in found]


def aggregates(names: list[str]):
    from pyspark.sql import functions as F

    return [F.first(name).alias(name) for name in names if name != "text"]


def shown(frame) -> list[list[str]]:
    """Rows as Spark casts them to text."""
    texts = frame.selectExpr(
        "text", *(f"CAST({name} AS STRING) AS {name}" for name in frame.columns if name != "text")
    )
    return sorted([list(row) for row in texts.collect()], key=repr)

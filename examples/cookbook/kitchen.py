"""What every recipe needs: a topic to send events to, and a query to ask after each delivery.

A topic is a folder of JSON-lines files, so that a recipe runs anywhere without a server. With KAFKA=host:port
in the environment it is a topic of that broker, and the recipe stays the same.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

__all__ = ["Row", "Topic", "answers", "cook", "rows", "run_available"]

Row = Mapping[str, Any]
Recipe = Callable[[SparkSession, Path], Mapping[str, Any]]
EPOCH_OF_FILES_S = 1_700_000_000


class Topic:
    """A stream of JSON records with this schema; `frame` has its columns, every `send` is one delivery."""

    def __init__(self, spark: SparkSession, path: Path, schema: str) -> None:
        self.spark = spark
        self.path = path
        self.sent = 0
        self.servers = os.environ.get("KAFKA")
        path.mkdir(parents=True, exist_ok=True)
        self.frame = self._kafka(schema) if self.servers else self._files(schema)

    def send(self, *records: Row) -> None:
        lines = [json.dumps(record) for record in records]
        if self.servers:
            values = self.spark.createDataFrame([(line,) for line in lines], "value string")
            writer = values.write.format("kafka").option("kafka.bootstrap.servers", self.servers)
            writer.option("topic", self._name()).save()
        else:
            self._drop("\n".join(lines) + "\n")
        self.sent += 1

    def _drop(self, text: str) -> None:
        hidden = self.path.parent / f".{self.path.name}-{self.sent}"
        hidden.write_text(text)
        # Files are taken in the order of their modification times, which must not depend on our speed.
        os.utime(hidden, (EPOCH_OF_FILES_S + self.sent,) * 2)
        hidden.rename(self.path / f"{self.sent:04}.json")

    def _files(self, schema: str) -> DataFrame:
        return self.spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).json(str(self.path))

    def _kafka(self, schema: str) -> DataFrame:
        reader = self.spark.readStream.format("kafka").option("kafka.bootstrap.servers", self.servers or "")
        lines = reader.option("subscribe", self._name()).option("startingOffsets", "earliest").load()
        parsed = F.from_json(F.col("value").cast("string"), schema)
        return lines.select(parsed.alias("record")).select("record.*")

    def _name(self) -> str:
        return f"{self.path.parent.name}-{self.path.name}"


def rows(frame: DataFrame) -> list[list[Any]]:
    """The rows of a batch frame in an order that does not depend on the engine."""
    return sorted((list(row) for row in frame.collect()), key=repr)


def run_available(frame: DataFrame, output_mode: str = "append", name: str = "answer") -> list[list[Any]]:
    """Everything the stream answers to what has arrived, in one availableNow run."""
    writer = frame.writeStream.format("memory").queryName(name).outputMode(output_mode)
    writer.trigger(availableNow=True).start().awaitTermination()
    return rows(frame.sparkSession.table(name))


def answers(
    frame: DataFrame, topic: Topic, deliveries: Sequence[Sequence[Row]], output_mode: str = "append"
) -> list[list[list[Any]]]:
    """What a running query adds to its answer (complete: the whole answer) after each delivery."""
    query = frame.writeStream.format("memory").queryName("answers").outputMode(output_mode).start()
    found: list[list[list[Any]]] = []
    seen = 0
    try:
        for delivery in deliveries:
            topic.send(*delivery)
            query.processAllAvailable()
            table = [list(row) for row in frame.sparkSession.table("answers").collect()]
            new = table if output_mode == "complete" else table[seen:]
            seen = len(table)
            found.append(sorted(new, key=repr))
    finally:
        query.stop()
    return found


def cook(recipe: Recipe) -> None:
    """Run a recipe on its own and print what comes out of it."""
    spark = SparkSession.builder.appName(Path(sys.argv[0]).stem).getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    with tempfile.TemporaryDirectory(prefix="cookbook-") as folder:
        for title, answer in recipe(spark, Path(folder)).items():
            print(f"\n{title}")
            for line in answer if isinstance(answer, list) else [answer]:
                print("   ", json.dumps(line, default=str))
    spark.stop()

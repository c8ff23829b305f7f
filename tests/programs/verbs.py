"""How a program tells its story: add data, process what is available, look at the answer."""

import contextlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.listener import StreamingQueryProgress

__all__ = [
    "Events",
    "Folder",
    "answers",
    "observed",
    "outcome",
    "process",
    "rocks_db",
    "rows",
    "sorted_rows",
    "turn",
]

EPOCH_OF_FILES_S = 1_700_000_000

PROVIDER = "spark.sql.streaming.stateStore.providerClass"
NO_DATA_BATCHES = "spark.sql.streaming.noDataMicroBatches.enabled"
ROCKS_DB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"


class Folder:
    """A folder into which files are dropped one after the other, each whole and newer than the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        path.mkdir(parents=True, exist_ok=True)

    def add(self, text: str, suffix: str = ".json") -> None:
        hidden = self.path.parent / f".{self.path.name}-{self.count}"
        hidden.write_text(text)
        # Spark orders files by modification time, which must not depend on how fast the test runs.
        os.utime(hidden, (EPOCH_OF_FILES_S + self.count, EPOCH_OF_FILES_S + self.count))
        hidden.rename(self.path / f"{self.count:04}{suffix}")
        self.count += 1

    def add_json(self, records: Sequence[dict[str, Any]]) -> None:
        self.add("".join(json.dumps(record) + "\n" for record in records))


class Events:
    """A stream of (second, value) events with the column `time`; every `add` is one file."""

    def __init__(self, spark: SparkSession, path: Path, **options: str) -> None:
        self.folder = Folder(path)
        reader = spark.readStream.schema("second double, value string").options(**options)
        self.frame = reader.json(str(path)).withColumn(
            "time", F.expr("timestamp_micros(CAST(second * 1000000 AS BIGINT))")
        )

    def add(self, *events: float | tuple[float, str]) -> None:
        pairs = [event if isinstance(event, tuple) else (event, "a") for event in events]
        self.folder.add_json([{"second": second, "value": value} for second, value in pairs])

    def with_watermark(self, delay: str) -> DataFrame:
        return self.frame.withWatermark("time", delay)


def rows(frame: DataFrame) -> list[list[Any]]:
    """The rows of a batch frame as lists, in order."""
    return [list(row) for row in frame.collect()]


def sorted_rows(frame: DataFrame) -> list[list[Any]]:
    """The rows of a batch frame in an order that does not depend on the engine."""
    return sorted(rows(frame), key=repr)


def process(
    frame: DataFrame, directory: Path, output_mode: str = "append", name: str = "answer"
) -> list[list[Any]]:
    """Everything a stream has now, as a memory table at the end of one availableNow run."""
    writer = frame.writeStream.format("memory").queryName(name).outputMode(output_mode)
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    return sorted_rows(frame.sparkSession.table(name))


def observed(progress: StreamingQueryProgress, name: str) -> list[Any]:
    """The values of an observation; over Connect, Spark 4.2 wraps them together with their schema."""
    metrics = progress.observedMetrics[name].asDict()
    return metrics["values"] if "schema" in metrics else list(metrics.values())


def answers(
    spark: SparkSession,
    path: Path,
    build: Callable[[Events], DataFrame],
    batches: Sequence[Sequence],
    output_mode: str = "append",
) -> list[list[list[Any]]]:
    """The rows that each batch of events makes the query emit, sorted; `path` is the folder of the events."""
    events = Events(spark, path)
    query = build(events).writeStream.format("memory").queryName("answers").outputMode(output_mode).start()
    found: list[list[list[Any]]] = []
    seen = 0
    try:
        for batch in batches:
            events.add(*batch)
            query.processAllAvailable()
            table = rows(spark.table("answers"))
            # A complete answer replaces the table, any other adds to it.
            new = table if output_mode == "complete" else table[seen:]
            seen = len(table)
            found.append(sorted(new, key=repr))
    finally:
        query.stop()
    return found


@contextlib.contextmanager
def rocks_db(spark: SparkSession, no_data_batches: bool = True) -> Iterator[None]:
    """The state store that Spark asks for before it runs transformWithState.

    In processing time, Spark runs batches without data for ever, and an availableNow query never ends.
    """
    spark.conf.set(PROVIDER, ROCKS_DB)
    spark.conf.set(NO_DATA_BATCHES, str(no_data_batches).lower())
    try:
        yield
    finally:
        spark.conf.unset(PROVIDER)
        spark.conf.unset(NO_DATA_BATCHES)


def turn(frame: DataFrame, directory: Path) -> list[list[Any]]:
    """One availableNow run in append mode over the folder's checkpoint: the rows it adds, sorted."""
    out = str(directory / "out")

    def written() -> Counter:
        reader = frame.sparkSession.read.schema(frame.schema)
        return Counter(tuple(row) for row in rows(reader.parquet(out))) if Path(out).exists() else Counter()

    before = written()
    writer = frame.writeStream.format("parquet").option("checkpointLocation", str(directory / "checkpoint"))
    writer.trigger(availableNow=True).start(out).awaitTermination()
    return sorted(map(list, (written() - before).elements()), key=repr)


def outcome(action: Callable[[], Any]) -> Any:
    """What the action gives, or its error: class, condition, SQLSTATE, and what ended the query."""
    try:
        return action()
    except Exception as error:
        condition = getattr(error, "getCondition", lambda: None)()
        sqlstate = getattr(error, "getSqlState", lambda: None)()
        _, _, cause = str(error).partition("terminated with exception: ")
        named = re.match(r"\[([A-Z_.]+)\]", cause)
        return [type(error).__name__, condition, sqlstate, *([named[1]] if named else [])]

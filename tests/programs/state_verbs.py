"""How a program looks at state: run a query over a checkpoint in turns, then read its stores."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from verbs import Events, rows

__all__ = ["changes", "error_of", "metadata", "state", "turns"]


def turns(
    frame: DataFrame,
    events: Events,
    checkpoint: Path,
    batches: Sequence[Sequence],
    output_mode: str = "append",
) -> None:
    """Each batch of events in a run of its own, so that the query stops and continues every time."""
    for batch in batches:
        events.add(*batch)
        writer = frame.writeStream.format("noop").outputMode(output_mode)
        writer = writer.option("checkpointLocation", str(checkpoint)).trigger(availableNow=True)
        writer.start().awaitTermination()


def state(spark: SparkSession, checkpoint: Path, **options: Any) -> dict[str, Any]:
    """Schema and rows of a store, or what is said instead."""
    return _read(spark, "statestore", checkpoint, options)


def metadata(spark: SparkSession, checkpoint: Path, **options: Any) -> dict[str, Any]:
    """The stores that a checkpoint has."""
    return _read(spark, "state-metadata", checkpoint, options)


def changes(spark: SparkSession, checkpoint: Path, **options: Any) -> dict[str, Any]:
    """The change feed of a store."""
    return state(spark, checkpoint, readChangeFeed=True, **options)


def error_of(action: Callable[[], object], directory: Path) -> dict[str, Any] | None:
    """The condition and message of the error an action ends with."""
    try:
        action()
    except PySparkException as error:
        text = str(error).split("JVM stacktrace")[0].strip()
        return {"condition": error.getCondition(), "message": _without(text, directory)}
    return None


def _read(spark: SparkSession, source: str, checkpoint: Path, options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def read() -> None:
        frame = spark.read.format(source).options(**options).load(str(checkpoint))
        found["schema"] = frame.schema.simpleString()
        found["rows"] = sorted(map(_plain, rows(frame)), key=repr)

    return error_of(read, checkpoint.parent) or found


def _plain(value: Any) -> Any:
    """Rows and maps as lists: JSON has no keys that are rows."""
    if isinstance(value, dict):
        return sorted(([_plain(key), _plain(inner)] for key, inner in value.items()), key=repr)
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _without(text: str, directory: Path) -> str:
    """The message without what differs from run to run."""
    text = text.replace(f"file://{directory}", "DIRECTORY").replace(f"file:{directory}", "DIRECTORY")
    text = text.replace(str(directory), "DIRECTORY")
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)

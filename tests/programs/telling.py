"""How the telling cases are told: batch by batch, with the watermark, the late rows and the state of each."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery
from verbs import Events, rows

__all__ = ["batches_of", "counts", "restarted", "seconds_of", "told", "told_of_two"]

Step = tuple[str, Sequence]
"""A stream's name and its new events: one stream, because a batch may start between two files."""


def told(
    spark: SparkSession,
    path: Path,
    build: Callable[[Events], DataFrame],
    steps: Sequence[Sequence],
    mode: str = "append",
) -> list[dict[str, Any]]:
    """The story of a query over one stream."""
    events = Events(spark, path / "in")
    return _told(build(events), {"in": events}, [("in", step) for step in steps], mode)


def told_of_two(
    spark: SparkSession,
    path: Path,
    build: Callable[[Events, Events], DataFrame],
    steps: Sequence[Step],
    mode: str = "append",
) -> list[dict[str, Any]]:
    """The story of a query over a `left` and a `right` stream."""
    sides = {side: Events(spark, path / side) for side in ("left", "right")}
    return _told(build(sides["left"], sides["right"]), sides, steps, mode)


def restarted(
    frame: DataFrame,
    streams: Mapping[str, Events],
    runs: Sequence[Sequence[Step]],
    path: Path,
    mode: str = "append",
) -> list[list[dict[str, Any]]]:
    """The batches of each run of one query; every run but the first resumes from the checkpoint."""
    found = []
    for steps in runs:
        writer = frame.writeStream.format("noop").outputMode(mode)
        query = writer.option("checkpointLocation", str(path / "checkpoint")).start()
        query.processAllAvailable()
        for step in steps:
            streams[step[0]].add(*step[1])
            query.processAllAvailable()
        found.append(batches_of(query))
        query.stop()
    return found


def batches_of(query: StreamingQuery, since: int = 0) -> list[dict[str, Any]]:
    """The batches from `since` on: input, watermark in seconds, late rows and state rows per operator."""
    ran = [p for p in query.recentProgress if "addBatch" in p["durationMs"] and p["batchId"] >= since]
    return [
        {
            "batch": progress["batchId"],
            "input": sum(source["numInputRows"] for source in progress["sources"]),
            "watermark": seconds_of(progress["eventTime"].get("watermark")),
            "dropped": [operator["numRowsDroppedByWatermark"] for operator in progress["stateOperators"]],
            "state": [operator["numRowsTotal"] for operator in progress["stateOperators"]],
        }
        for progress in ran
    ]


def seconds_of(watermark: str | None) -> float | None:
    """A moment as progress writes it, in seconds since the epoch."""
    return None if watermark is None else datetime.fromisoformat(watermark).timestamp()


def counts(window: str = "5 seconds", delay: str = "10 seconds") -> Callable[[Events], DataFrame]:
    """Events counted in windows, which are told by their start in seconds."""

    def build(events: Events) -> DataFrame:
        windows = events.with_watermark(delay).groupBy(F.window("time", window).alias("w")).count()
        return windows.select(_second("w.start"), "count")

    return build


def _second(name: str) -> Column:
    return F.col(name).cast("long")


def _told(
    frame: DataFrame, streams: Mapping[str, Events], steps: Sequence[Step], mode: str
) -> list[dict[str, Any]]:
    query = frame.writeStream.format("memory").queryName("told").outputMode(mode).start()
    found: list[dict[str, Any]] = []
    seen = since = 0
    try:
        for side, events in steps:
            streams[side].add(*events)
            query.processAllAvailable()
            table = rows(frame.sparkSession.table("told"))
            # A complete answer replaces the table, any other adds to it.
            new = table if mode == "complete" else table[seen:]
            batches = batches_of(query, since)
            found.append({"rows": sorted(new, key=repr), "batches": batches})
            seen, since = len(table), since + len(batches)
    finally:
        query.stop()
    return found

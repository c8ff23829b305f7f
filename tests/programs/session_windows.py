"""Session windows grow and merge as events come, by a fixed gap or one that depends on the row."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from verbs import Events, rows

GAP_OF_VALUE = F.when(F.col("value") == "none", "0 seconds").when(F.col("value") == "back", "-10 seconds")


def run(spark: SparkSession, directory: Path):
    def told(name: str, build: Callable[[Events], DataFrame], mode: str, batches: Sequence[Sequence]):
        return story(spark, directory / name, build, mode, batches)

    return {
        "an event between two sessions": told(
            "between", counts("10 seconds"), "complete", [[40], [25], [30]]
        ),
        "sessions that touch": told("touch", counts("5 seconds"), "complete", [[10], [15], [21]]),
        "many in one batch": told(
            "many",
            counts("2 seconds"),
            "complete",
            [[(s, v) for v in "ba" for s in (20, 0.5, 1, 3, 3, 2, 10)], [(5, "a"), (21.999999, "b")]],
        ),
        "append": told(
            "append",
            lambda events: sessions(events.with_watermark("10 seconds"), "10 seconds"),
            "append",
            [[10, 15, (12, "b")], [(45, "c")], [5, 15, 16, (34, "b")], [44], [(70, "b")], [(100, "b")]],
        ),
        "gap by row": told(
            "gap",
            counts(GAP_OF_VALUE.when(F.col("value") == "long", "1 minute").otherwise("1 second")),
            "complete",
            [[40, 41, (1, "none"), (2, "back"), (3, "long")], [(50, "long"), 39, 42.5]],
        ),
    }


def counts(gap: str | Column) -> Callable[[Events], DataFrame]:
    return lambda events: sessions(events.frame, gap)


def sessions(frame: DataFrame, gap: str | Column) -> DataFrame:
    grouped = frame.groupBy(F.session_window("time", gap).alias("s"), "value")
    columns = grouped.agg(F.count("*").alias("n"), F.min("second"), F.sum("second").alias("total"))
    start, end = (F.unix_micros(f"s.{bound}") / 1e6 for bound in ("start", "end"))
    return columns.select("value", start, end, "n", "min(second)", "total")


def story(
    spark: SparkSession,
    path: Path,
    build: Callable[[Events], DataFrame],
    mode: str,
    batches: Sequence[Sequence],
) -> list[Any]:
    """What each batch emits, and what the operator counted over the whole run."""
    events = Events(spark, path)
    query = build(events).writeStream.format("memory").queryName("sessions").outputMode(mode).start()
    told: list[Any] = []
    seen = 0
    try:
        for batch in batches:
            events.add(*batch)
            query.processAllAvailable()
            table = rows(spark.table("sessions"))
            told.append(sorted(table if mode == "complete" else table[seen:], key=repr))
            seen = len(table)
        told.append(counted([p.stateOperators[0] for p in query.recentProgress if p.stateOperators]))
    finally:
        query.stop()
    return told


def counted(operators: Sequence[Any]) -> dict[str, Any]:
    return {
        "name": operators[-1].operatorName,
        "total": operators[-1].numRowsTotal,
        "updated": sum(operator.numRowsUpdated for operator in operators),
        "removed": sum(operator.numRowsRemoved for operator in operators),
        "dropped": sum(operator.numRowsDroppedByWatermark for operator in operators),
    }

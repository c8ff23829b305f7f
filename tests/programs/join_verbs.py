"""How a program over two streams tells its story: now one side gets events, now the other."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from verbs import Events, rows

__all__ = ["answers_of_two"]


def answers_of_two(
    spark: SparkSession,
    path: Path,
    build: Callable[[Events, Events], DataFrame],
    steps: Sequence[tuple[str, Sequence]],
) -> list[list[Any]]:
    """Like `answers` for a query over two streams: a step adds its events to the `left` or the `right` one.

    With each step's rows come the rows of state afterwards.
    """
    sides = {side: Events(spark, path / side) for side in ("left", "right")}
    frame = build(sides["left"], sides["right"])
    query = frame.writeStream.format("memory").queryName("answers").start()
    found: list[list[Any]] = []
    seen = 0
    try:
        for side, events in steps:
            sides[side].add(*events)
            query.processAllAvailable()
            table = rows(spark.table("answers"))
            states = [operator["numRowsTotal"] for operator in query.lastProgress["stateOperators"]]
            found.append([sorted(table[seen:], key=repr), states])
            seen = len(table)
    finally:
        query.stop()
    return found

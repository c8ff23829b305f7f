"""What a call leaves in the state: values, nothing, a timeout with or without a state.

Spark 4.2.0 fails on arrays, maps and structs in the state's schema, so there are none here.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout
from verbs import Events, Folder, answers, rows

OUT = "value string, said string"


def follow_orders(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
    """The value is a group and an order: `a:set`."""
    said = [f"timed out {state.getOption}"] if state.hasTimedOut else []
    for frame in frames:
        for order, second in zip(frame.get("order", []), frame.get("second", []), strict=True):
            match order:
                case "update":
                    state.update((int(second),))
                case "remove":
                    state.remove()
                case "timeout":
                    state.setTimeoutTimestamp(int(second + 12) * 1000)
                case "nothing":
                    pass
            said.append(f"{order} {state.getOption}")
    yield pd.DataFrame({"value": [key[0]], "said": ["; ".join(said)]})


def all_kinds(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
    said = str(state.getOption)
    for frame in frames:
        state.update(
            (
                frame["second"].iloc[0],
                "ñ",
                Decimal("1.50"),
                datetime(2024, 2, 29, 12),
                None,
                True,
                b"x",
            )
        )
        said += f" {type(key[0]).__name__} {list(frame.columns)} {list(frame.index)}"
    yield pd.DataFrame({"said": [said], "value": [key[0]]})


KINDS = "d double, s string, m decimal(10,2), t timestamp, n string, b boolean, y binary"


def run(spark: SparkSession, directory: Path):
    def orders(events: Events) -> DataFrame:
        frame = events.with_watermark("10 seconds").selectExpr(
            "split(value, ':')[0] AS value", "split(value, ':')[1] AS `order`", "second", "time"
        )
        return frame.groupBy("value").applyInPandasWithState(
            follow_orders, OUT, "n int", "append", GroupStateTimeout.EventTimeTimeout
        )

    def kinds(events: Events) -> DataFrame:
        return (
            events.frame.drop("time")
            .groupBy("value")
            .applyInPandasWithState(all_kinds, OUT, KINDS, "append", GroupStateTimeout.NoTimeout)
        )

    batches = [
        [
            (1, "kept:update"),
            (1, "both:update"),
            (1, "both:timeout"),
            (1, "alone:timeout"),
            (1, "cleared:timeout"),
        ],
        [(2, "gone:update"), (2, "cleared:update"), (2, "still:update"), (2, "still:timeout")],
        [(3, "gone:remove"), (3, "still:nothing"), (3, "kept:nothing")],
        [(30, "z:nothing")],
        [(31, "gone:nothing"), (31, "kept:nothing"), (31, "both:nothing"), (31, "alone:nothing")],
        [(60, "z:nothing")],
    ]
    return {
        "orders": answers(spark, directory / "orders", orders, batches),
        "kinds": answers(spark, directory / "kinds", kinds, [[(1, "a"), (2, "a")], [(3, "a")]]),
        "by an expression": by_an_expression(spark, directory),
    }


def refusal(frame: DataFrame) -> str:
    try:
        frame.writeStream.format("noop").outputMode("update").start().stop()
    except AnalysisException as error:
        return error.getCondition()
    return "accepted"


def by_an_expression(spark: SparkSession, directory: Path):
    """Results are found by name, an empty frame gives nothing; a computed key is no column of the input."""

    def totals(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
        (total,) = state.get if state.exists else (0,)
        for frame in frames:
            total += int(frame["n"].sum())
            yield pd.DataFrame()
        state.update((total,))
        yield pd.DataFrame({"total": [total, -total], "parity": [int(key[0])] * 2})

    folder = Folder(directory / "numbers")
    numbers = spark.readStream.schema("n long").json(str(folder.path))
    odd = (numbers.n % 2).alias("odd")
    schemas = ("parity long, total long", "total long")
    frame = (
        numbers.withColumn("odd", odd)
        .groupBy("odd")
        .applyInPandasWithState(totals, *schemas, "update", GroupStateTimeout.NoTimeout)
    )
    computed = numbers.groupBy(odd).applyInPandasWithState(
        totals, *schemas, "update", GroupStateTimeout.NoTimeout
    )
    query = frame.writeStream.format("memory").queryName("totals").outputMode("update").start()
    found = [refusal(computed)]
    for batch in ([1, 2, 3], [4, 5]):
        folder.add_json([{"n": n} for n in batch])
        query.processAllAvailable()
        found.append(sorted(rows(spark.table("totals"))))
    query.stop()
    return found

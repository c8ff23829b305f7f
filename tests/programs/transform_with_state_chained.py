"""transformWithState below a windowed count: `eventTimeColumnName` tells the event time of its rows."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import Events, answers, outcome, rocks_db

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Pass(StatefulProcessor):
    """Every event again, shifted by as many seconds."""

    def __init__(self, shift_s: int) -> None:
        self.shift_s = shift_s

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.count = handle.getValueState("count", "n long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in sorted(rows, key=lambda row: row.second):
            count = (self.count.get() or (0,))[0] + 1
            self.count.update((count,))
            when = EPOCH + datetime.timedelta(seconds=row.second + self.shift_s)
            yield Row(value=key[0], count=count, when=when)


class PassInPandas(Pass):
    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        for frame in rows:
            when = pd.to_datetime(frame["second"] + self.shift_s, unit="s", utc=True)
            yield pd.DataFrame({"value": frame["value"], "count": len(frame), "when": when})


def run(spark: SparkSession, directory: Path):
    schema = "value string, count long, when timestamp"

    def passed(events: Events, shift_s: int) -> DataFrame:
        keyed = events.with_watermark("5 seconds").groupBy("value")
        return keyed.transformWithState(
            Pass(shift_s), schema, "Append", "EventTime", eventTimeColumnName="when"
        )

    def passed_in_pandas(events: Events, time_mode: str, shift_s: int = 0) -> DataFrame:
        keyed = events.with_watermark("5 seconds").groupBy("value")
        return keyed.transformWithStateInPandas(
            PassInPandas(shift_s), schema, "Append", time_mode, eventTimeColumnName="when"
        )

    def counted(frame: DataFrame) -> DataFrame:
        counts = frame.groupBy(F.window("when", "10 seconds").alias("w")).agg(F.sum("count").alias("n"))
        return counts.select(F.col("w.start").cast("long").alias("start"), "n")

    batches = [[(1, "a"), (11, "b"), (2, "a")], [(12, "b"), (3, "a")], [(31, "a")], [(60, "b")]]
    with rocks_db(spark):
        return {
            "rows": answers(spark, directory / "a", lambda e: counted(passed(e, 0)), batches),
            "pandas": answers(
                spark, directory / "b", lambda e: counted(passed_in_pandas(e, "EventTime")), batches
            ),
            "late rows let in": outcome(
                lambda: answers(
                    spark, directory / "e", lambda e: counted(passed_in_pandas(e, "None")), batches
                )
            ),
            "shifted ahead": answers(spark, directory / "c", lambda e: passed(e, 7), batches),
            "emitted late": outcome(
                lambda: answers(spark, directory / "d", lambda e: counted(passed(e, -9)), batches)
            ),
        }

"""What explain(extended=True) and the log say of a query that Spark 4.2 would refuse or answer otherwise."""

import logging
from collections.abc import Callable

import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from cauce.streaming.planner.portability import NOTES

Build = Callable[[DataFrame], DataFrame]

NEAR = "a.ts BETWEEN b.ts AND b.ts + INTERVAL 1 MINUTE"


def sides(frame: DataFrame) -> tuple[DataFrame, DataFrame]:
    return frame.withWatermark("ts", "1 minute").alias("a"), frame.withWatermark("ts", "1 minute").alias("b")


def joined(how: str, condition: str) -> Build:
    def build(frame: DataFrame) -> DataFrame:
        one, other = sides(frame)
        return one.join(other, F.expr(condition), how).select("a.id")

    return build


def added_window(frame: DataFrame) -> DataFrame:
    return frame.withWatermark("ts", "1 minute").withColumn("w", F.window("ts", "1 hour"))


CASES: dict[str, tuple[str, Build, list[str]]] = {
    "nothing to say": ("append", lambda f: f.where("id > 1"), []),
    "state": ("update", lambda f: f.groupBy("id").count(), ["the state is in cauce's own files"]),
    "distinct": (
        "update",
        lambda f: f.agg(F.count_distinct("id")),
        ["Spark refuses: Distinct aggregations are not supported", "an exact distinct aggregation"],
    ),
    "aggregation of an aggregation": (
        "update",
        lambda f: f.groupBy("id").count().groupBy("count").count(),
        ["Spark refuses: Detected pattern of possible 'correctness' issue"],
    ),
    "window function": (
        "update",
        lambda f: f.select("id", F.row_number().over(Window.partitionBy("id").orderBy("ts"))),
        ["Spark refuses: [NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING]"],
    ),
    "anti join": (
        "append",
        joined("left_anti", f"a.id = b.id AND {NEAR}"),
        ["Spark refuses: LeftAnti joins with a streaming DataFrame/Dataset on the right"],
    ),
    "join without an equality": (
        "append",
        joined("inner", "a.id < b.id"),
        ["Spark refuses: Stream-stream join without equality predicate", "keeps all rows for ever"],
    ),
    "full outer join": (
        "append",
        joined("full_outer", f"a.id = b.id AND {NEAR} AND b.ts BETWEEN a.ts AND a.ts + INTERVAL 1 MINUTE"),
        ["null keys never match"],
    ),
    "watermark of an added column": (
        "append",
        lambda f: (
            f.withWatermark("ts", "1 minute").withColumn("w", F.window("ts", "1 hour")).groupBy("w").count()
        ),
        ["a column made by withColumn keeps its watermark"],
    ),
}


@pytest.fixture
def stream(spark: SparkSession) -> DataFrame:
    spark.conf.set("cauce.sql.streaming.relaxed", "true")
    return spark.readStream.format("rate").load().selectExpr("value AS id", "timestamp AS ts")


def report(frame: DataFrame, mode: str, capsys, **trigger) -> str:
    query = (
        frame.writeStream.format("noop").outputMode(mode).trigger(**trigger or {"availableNow": True}).start()
    )
    query.stop()
    query.explain(extended=True)
    return capsys.readouterr().out.partition("On Apache Spark 4.2:")[2]


@pytest.mark.parametrize("name", CASES)
def test_the_report_names_what_spark_does_otherwise(stream, capsys, name: str) -> None:
    mode, build, expected = CASES[name]
    said = report(build(stream), mode, capsys)
    assert all(text in said for text in expected), said
    assert expected or not said.strip()


def test_a_continuous_trigger_is_served_as_micro_batches(stream, capsys) -> None:
    assert "the continuous trigger is served as micro-batches" in report(
        stream, "append", capsys, continuous="1 second"
    )


def test_a_plain_explain_says_nothing_of_spark(stream, capsys) -> None:
    query = stream.groupBy("id").count().writeStream.format("noop").outputMode("update").start()
    query.stop()
    query.explain()
    assert "Apache Spark" not in capsys.readouterr().out


def test_start_logs_one_line(stream, caplog) -> None:
    caplog.set_level(logging.INFO, "cauce.streaming")
    stream.agg(F.count_distinct("id")).writeStream.format("noop").queryName("d").outputMode(
        "update"
    ).start().stop()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "cauce.streaming"]
    assert line.startswith("Query d on Apache Spark 4.2: Spark refuses: Distinct aggregations")


def test_every_note_is_a_sentence_of_its_own() -> None:
    notes = [note for _, note in NOTES]
    assert len(set(notes)) == len(notes)
    assert all(note[0].islower() and not note.endswith(".") for note in notes)

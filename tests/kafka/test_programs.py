"""Kafka as PySpark programs use it, on the mock broker: streams and batches, both ways."""

import json
import sys

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F


@pytest.fixture
def options(kafka):
    """The mock answers a fetch when its time is up, whatever arrives meanwhile: keep that time short."""
    return {"kafka.bootstrap.servers": kafka.servers, "kafka.fetch.max.wait.ms": "10"}


def reader(spark, options, topic, **more):
    return spark.readStream.format("kafka").options(**options, subscribe=topic, **more).load()


def texts(df):
    return df.select(F.col("key").cast("string"), F.col("value").cast("string"))


def run(writer, path):
    query = writer.option("checkpointLocation", str(path)).trigger(availableNow=True).start()
    query.awaitTermination()
    return query


def test_a_stream_from_topic_to_topic(spark, kafka, options, tmp_path):
    kafka.send("in", ["a", "b", None], key=b"k", headers=[("h", b"1")])
    rows = texts(reader(spark, options, "in", startingOffsets="earliest", includeHeaders="true"))
    upper = rows.select("key", F.upper("value").alias("value"), F.lit(2).alias("partition"))
    writer = upper.writeStream.format("kafka").options(**options, topic="out")
    run(writer, tmp_path)
    assert kafka.records("out") == [(2, b"k", b"A", None), (2, b"k", b"B", None), (2, b"k", None, None)]
    kafka.send("in", ["c"])
    query = run(writer, tmp_path)
    assert kafka.records("out")[3:] == [(2, None, b"C", None)]
    [source] = query.lastProgress["sources"]
    assert source["description"] == "KafkaV2[Subscribe[in]]"
    assert json.loads(source["endOffset"]) == {"in": {"0": 4, "1": 0, "2": 0, "3": 0}}
    assert source["metrics"]["maxOffsetsBehindLatest"] == "0"
    assert query.lastProgress["sink"]["numOutputRows"] == 1


def test_the_first_offsets_are_written_as_spark_writes_them(spark, kafka, options, tmp_path):
    kafka.send("in", ["a"], partition=1)
    run(reader(spark, options, "in").writeStream.format("noop"), tmp_path)
    written = (tmp_path / "sources" / "0" / "0").read_bytes()
    assert written == b'\0v1\n{"in":{"0":0,"1":1,"2":0,"3":0}}'


def test_limits_and_named_offsets(spark, kafka, options, tmp_path):
    kafka.send("in", [str(number) for number in range(10)])
    start = '{"in":{"0":3,"1":-2,"2":-1,"3":0}}'
    df = reader(spark, options, "in", startingOffsets=start, maxOffsetsPerTrigger=4)
    query = run(df.writeStream.format("noop"), tmp_path)
    batches = [
        (p["numInputRows"], p["sources"][0]["metrics"]["maxOffsetsBehindLatest"])
        for p in query.recentProgress
    ]
    assert batches == [(4, "3"), (3, "0")]


def test_a_pattern_follows_topics_that_come_later(spark, kafka, options):
    kafka.send("in.1", ["a"])
    named = {"subscribePattern": "in\\..*", "startingOffsets": "earliest", "failOnDataLoss": "false"}
    df = spark.readStream.format("kafka").options(**options, **named).load()
    query = df.writeStream.format("memory").queryName("seen").start()
    query.processAllAvailable()
    kafka.send("in.2", ["b"])
    query.processAllAvailable()
    query.stop()
    seen = spark.table("seen").selectExpr("topic", "cast(value as string) value").collect()
    assert sorted(map(tuple, seen)) == [("in.1", "a"), ("in.2", "b")]


def test_a_topic_read_and_written_as_a_batch(spark, kafka, options):
    rows = spark.createDataFrame(
        [("k", b"v1", "out", [("h", b"x")]), (None, b"v2", "out", None)],
        "key string, value binary, topic string, headers array<struct<key:string,value:binary>>",
    )
    rows.write.format("kafka").options(**options).save()
    df = spark.read.format("kafka").options(**options, subscribe="out", includeHeaders="true").load()
    found = df.select("key", "value", "headers", "topic").orderBy("value").collect()
    assert [(row.key, row.value, row.topic) for row in found] == [(b"k", b"v1", "out"), (None, b"v2", "out")]
    assert [row.headers and row.headers[0].asDict() for row in found] == [{"key": "h", "value": b"x"}, None]
    assert df.where("offset < 0").count() == 0


def test_rows_that_cannot_be_written_are_refused_before_anything_is(spark, kafka, options):
    kafka.create("out")
    refused = {
        "Required attribute 'value' not found": spark.range(1),
        "value attribute unsupported type bigint. value must be a(n) string or binary": spark.range(
            1
        ).selectExpr("id AS value"),
        "partition attribute unsupported type bigint. partition must be a(n) int": spark.range(1).selectExpr(
            "'a' AS value", "id AS partition"
        ),
    }
    for message, df in refused.items():
        with pytest.raises(AnalysisException) as error:
            df.write.format("kafka").options(**options, topic="out").save()
        assert message in str(error.value)
    with pytest.raises(AnalysisException, match="Save mode Overwrite not allowed for Kafka"):
        spark.sql("SELECT 'a' AS value").write.format("kafka").options(**options).mode("overwrite").save()
    with pytest.raises(AnalysisException, match="topic option required when no 'topic' attribute is present"):
        spark.sql("SELECT 'a' AS value").write.format("kafka").options(**options).save()
    assert kafka.records("out") == []


def test_windowed_counts_of_json_records(spark, kafka, options, tmp_path):
    events = [{"id": i % 2, "at": f"2024-01-01T00:00:{i:02d}Z"} for i in (1, 2, 3, 15, 40)]
    kafka.send("in", [json.dumps(event) for event in events])
    rows = reader(spark, options, "in", startingOffsets="earliest")
    parsed = rows.select(
        F.from_json(F.col("value").cast("string"), "id INT, at TIMESTAMP").alias("e")
    ).select("e.*")
    counts = parsed.withWatermark("at", "10 seconds").groupBy(F.window("at", "10 seconds")).count()
    counted = F.struct(F.unix_seconds("window.start").alias("start"), "count")
    answer = counts.select(F.to_json(counted).alias("value"))
    run(answer.writeStream.format("kafka").options(**options, topic="out"), tmp_path)
    found = [json.loads(value) for _, _, value, _ in kafka.records("out")]
    assert sorted((row["start"], row["count"]) for row in found) == [
        (1_704_067_200, 3),
        (1_704_067_210, 1),
    ]


def test_a_missing_client_says_how_to_get_it(spark, monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    df = spark.readStream.format("kafka").options(**{"kafka.bootstrap.servers": "x", "subscribe": "t"}).load()
    with pytest.raises(AnalysisException, match=r'pip install "cauce\[kafka\]"'):
        assert df.schema


def test_offset_is_a_column_in_expressions_too(spark, kafka, options, tmp_path):
    kafka.send("in", ["a", "b"])
    df = (
        reader(spark, options, "in", startingOffsets="earliest")
        .where("offset >= 1")
        .selectExpr("offset", "topic")
    )
    run(df.writeStream.format("parquet").option("path", str(tmp_path / "out")), tmp_path / "checkpoint")
    assert [tuple(row) for row in spark.read.parquet(str(tmp_path / "out")).collect()] == [(1, "in")]

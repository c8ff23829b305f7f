"""Programs over Kafka that must answer the same on cauce and on Apache Spark: (spark, servers, own, folder).

`own` begins the names of the topics a run may write to; `seed.*` are read by all (test_beside_spark.py).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

__all__ = ["PROGRAMS", "turn"]


def columns(spark: SparkSession, servers: str, own: str, folder: Path) -> Any:
    """Schema and rows of a batch read, headers included."""
    df = read(spark, servers, "seed.plain", includeHeaders="true")
    rows = df.select("*").orderBy("partition", "offset").collect()
    return [df.schema.simpleString(), [row.asDict(recursive=True) for row in rows]]


def bounds(spark: SparkSession, servers: str, own: str, folder: Path) -> Any:
    """Which records lie between two positions, however these are given."""
    named = {
        "offsets": {
            "startingOffsets": '{"seed.plain":{"0":1,"1":-2}}',
            "endingOffsets": '{"seed.plain":{"0":2,"1":-1}}',
        },
        "timestamp": {"startingTimestamp": "1700000002000"},
        "timestamps": {"startingTimestamp": "1700000001000", "endingTimestamp": "1700000002000"},
        "by partition": {
            "startingOffsetsByTimestamp": '{"seed.plain":{"0":1700000001000,"1":1700000000000}}'
        },
        "split": {"minPartitions": "5", "maxRecordsPerPartition": "1"},
    }
    return {name: values(read(spark, servers, "seed.plain", **chosen)) for name, chosen in named.items()}


def batches(spark: SparkSession, servers: str, own: str, folder: Path) -> Any:
    """Limited batches: rows, offsets and lag of each, and the checkpoint they leave."""
    df = stream(spark, servers, "seed.plain,seed.wide", maxOffsetsPerTrigger="7")
    writer = df.writeStream.format("noop").option("checkpointLocation", str(folder / "checkpoint"))
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    told = [
        [
            source["numInputRows"],
            *(json.loads(source[key] or "null") for key in ("endOffset", "latestOffset")),
            source["metrics"],
        ]
        for p in query.recentProgress
        for source in p["sources"]
    ]
    offsets = (folder / "checkpoint" / "offsets").glob("[0-9]*")
    written = {path.name: path.read_text().splitlines()[2:] for path in sorted(offsets)}
    first = (folder / "checkpoint" / "sources" / "0" / "0").read_bytes().decode("latin1")
    return [query.lastProgress["sources"][0]["description"], told, written, first]


def topic_to_topic(spark: SparkSession, servers: str, own: str, folder: Path) -> Any:
    """Keys choose partitions as Java clients do; headers, partitions and nulls go through."""
    df = stream(spark, servers, "seed.wide", includeHeaders="true")
    rows = df.selectExpr("key", "upper(cast(value AS STRING)) AS value", "headers")
    run(rows, servers, f"{own}.out", folder / "keys")
    fixed = df.selectExpr("value", "cast(1 AS INT) AS partition", f"'{own}.fixed' AS topic")
    run(fixed, servers, None, folder / "fixed")
    read_back = [read(spark, servers, f"{own}.{name}", includeHeaders="true") for name in ("out", "fixed")]
    chosen = [df.select("partition", "key", "value", "headers").collect() for df in read_back]
    return [sorted(json.dumps(row.asDict(recursive=True), default=str) for row in rows) for rows in chosen]


def windows(spark: SparkSession, servers: str, own: str, folder: Path) -> Any:
    """JSON, watermark, windowed counts, back to Kafka."""
    events = stream(spark, servers, "seed.json").select(
        F.from_json(F.col("value").cast("string"), "user STRING, at TIMESTAMP").alias("e")
    )
    counts = (
        events.select("e.*")
        .withWatermark("at", "5 seconds")
        .groupBy(F.window("at", "10 seconds"), "user")
        .count()
    )
    answer = F.to_json(F.struct(F.unix_seconds("window.start").alias("start"), "user", "count"))
    run(counts.select(answer.alias("value")), servers, f"{own}.windows", folder / "windows")
    return values(read(spark, servers, f"{own}.windows"))


def errors(spark: SparkSession, servers: str, own: str, folder: Path) -> Any:
    """What is refused when a frame is made, read or written."""
    one = spark.range(1)
    attempts: dict[str, Callable[[], object]] = {
        "start after end": lambda: read(
            spark, servers, "seed.plain", startingOffsets='{"seed.plain":{"0":50,"1":0}}'
        ).collect(),
        "some partitions": lambda: read(
            spark, servers, "seed.plain", startingOffsets='{"seed.plain":{"0":0}}', **QUICK
        ).collect(),
        "no such topic": lambda: read(spark, servers, "nowhere", **QUICK).collect(),
        "time in the future": lambda: read(
            spark, servers, "seed.json", startingTimestamp="9999999999999", **QUICK
        ).collect(),
        "no strategy": lambda: (
            spark.read.format("kafka").option("kafka.bootstrap.servers", servers).load().schema
        ),
        "no servers": lambda: spark.readStream.format("kafka").option("subscribe", "a").load().schema,
        "reset": lambda: stream(spark, servers, "a", **{"kafka.auto.offset.reset": "latest"}).schema,
        "ending": lambda: stream(spark, servers, "a", endingOffsets="latest").schema,
        "least above most": lambda: (
            stream(spark, servers, "a", minOffsetsPerTrigger="5", maxOffsetsPerTrigger="4").schema
        ),
        "overwrite": lambda: write(one.selectExpr("'a' value"), servers, f"{own}.out", "overwrite"),
        "no value": lambda: write(one, servers, f"{own}.out"),
        "long value": lambda: write(one.selectExpr("id value"), servers, f"{own}.out"),
        "int key": lambda: write(one.selectExpr("'a' value", "1 key"), servers, f"{own}.out"),
        "headers": lambda: write(one.selectExpr("'a' value", "array('x') headers"), servers, f"{own}.out"),
        "no topic": lambda: write(one.selectExpr("'a' value"), servers, None),
        "serializer": lambda: write(
            one.selectExpr("'a' value"), servers, f"{own}.out", **{"kafka.key.serializer": "x"}
        ),
    }
    return {name: outcome(attempt) for name, attempt in attempts.items()}


PROGRAMS = {each.__name__: each for each in (columns, bounds, batches, topic_to_topic, windows, errors)}
QUICK = {"fetchOffset.numRetries": "1"}


def turn(spark: SparkSession, servers: str, topic: str, folder: Path) -> None:
    """Everything that has arrived since the last turn, on a checkpoint shared with another engine."""
    df = stream(spark, servers, topic, maxOffsetsPerTrigger="3").selectExpr(
        "cast(value AS STRING) AS value", "offset"
    )
    writer = df.writeStream.format("parquet").option("checkpointLocation", str(folder / "checkpoint"))
    writer.trigger(availableNow=True).start(str(folder / "out")).awaitTermination()


def read(spark: SparkSession, servers: str, topic: str, **options: str) -> DataFrame:
    chosen = {"kafka.bootstrap.servers": servers, "subscribe": topic, **options}
    return spark.read.format("kafka").options(**chosen).load()


def stream(spark: SparkSession, servers: str, topics: str, **options: str) -> DataFrame:
    chosen = {
        "kafka.bootstrap.servers": servers,
        "subscribe": topics,
        "startingOffsets": "earliest",
        **options,
    }
    return spark.readStream.format("kafka").options(**chosen).load()


def write(df: DataFrame, servers: str, topic: str | None, mode: str = "append", **options: str) -> None:
    named = {"topic": topic} if topic else {}
    df.write.format("kafka").options(**{"kafka.bootstrap.servers": servers, **named, **options}).mode(
        mode
    ).save()


def run(df: DataFrame, servers: str, topic: str | None, checkpoint: Path) -> None:
    named = {"topic": topic} if topic else {}
    writer = df.writeStream.format("kafka").options(**{"kafka.bootstrap.servers": servers, **named})
    writer = writer.option("checkpointLocation", str(checkpoint)).trigger(availableNow=True)
    writer.start().awaitTermination()


def values(df: DataFrame) -> list[str]:
    return sorted(row.value.decode() for row in df.select("value").collect() if row.value is not None)


def outcome(attempt: Callable[[], object]) -> list[str]:
    """The Python class and the first line of the message."""
    try:
        attempt()
    except Exception as error:
        text = str(error)
        return [
            type(error).__name__,
            text.strip().splitlines()[0].partition(") ")[2] or text.strip().splitlines()[0],
        ]
    return ["nothing"]

"""The same programs on cauce and on Apache Spark 4.2 with its Kafka connector, over the same topics."""

import json
import os

import apache_spark
import pyarrow.parquet as pq
import pytest
from kafka_broker import Record
from kafka_programs import PROGRAMS, turn

OWN = {"out": 3, "fixed": 2, "windows": 1}
"""The topics a run writes to, and their partitions."""
TURNS = 4


@pytest.fixture(scope="module")
def seeded(kafka):
    """Topics that both engines read."""
    kafka.create("seed.plain", 2)
    for number in range(5):
        kafka.send(
            "seed.plain", [f"p{number}"], partition=number % 2, timestamp_ms=1_700_000_000_000 + number * 1000
        )
    kafka.create("seed.wide", 3)
    for number in range(20):
        kafka.send("seed.wide", [f"w{number}"], partition=number % 3, key=f"key-{number}", timestamp_ms=1)
    kafka.create("seed.json")
    lines = [{"user": "ab"[n % 2], "at": f"2024-01-01 00:00:{n:02d}"} for n in (1, 2, 3, 12, 14, 40)]
    kafka.send("seed.json", [json.dumps(line) for line in lines])
    for engine in ("cauce", "spark"):
        for name, partitions in OWN.items():
            kafka.create(f"{engine}.{name}", partitions)
    return kafka


@pytest.fixture(scope="module")
def sparks(seeded, tmp_path_factory):
    """Apache Spark's answers; starting it takes longer than its programs."""
    folder = tmp_path_factory.mktemp("spark")
    run_spark("programs", seeded.servers, folder, folder / "answers.json")
    return json.loads((folder / "answers.json").read_text())


@pytest.mark.parametrize("name", PROGRAMS)
def test_cauce_answers_as_spark(spark, seeded, sparks, tmp_path, name):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    answer = PROGRAMS[name](spark, seeded.servers, "cauce", tmp_path)
    assert renamed(json.loads(json.dumps(answer, default=str))) == renamed(sparks[name])


def renamed(answer: object) -> object:
    """Both wrote to topics of their own names."""
    return json.loads(json.dumps(answer).replace("spark.", "own.").replace("cauce.", "own."))


@pytest.mark.parametrize("first", ["spark", "cauce"])
def test_a_query_alternates_between_spark_and_cauce(spark, kafka, tmp_path, first):
    topic = f"turns.{first}"
    kafka.create(topic, 2)
    sent: list[Record] = []
    for number in range(TURNS):
        for partition in range(2):
            records = [f"{number}-{partition}-{n}" for n in range(3)]
            kafka.send(topic, records, partition=partition)
            sent += records
        if (number % 2 == 0) == (first == "spark"):
            run_spark("turn", kafka.servers, tmp_path, topic)
        else:
            turn(spark, kafka.servers, topic, tmp_path)
    found = spark.read.parquet(str(tmp_path / "out")).collect()
    assert sorted(row.value for row in found) == sorted(sent)
    assert pq.read_table(tmp_path / "out", columns=["value"]).num_rows == len(sent)


def run_spark(*arguments: object) -> None:
    script = os.path.join(os.path.dirname(__file__), "run_spark.py")
    apache_spark.run_script(script, *map(str, arguments))

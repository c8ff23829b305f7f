"""Dead letters say where in a file, or in a topic, the row is; malformed records of FAILFAST readers too."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro
from pyspark.sql.types import IntegerType

from tests.support.mock_kafka import MockKafka


@pytest.fixture
def run(spark, tmp_path, aside):
    """Runs a query over what there is; gives the rows that arrived and the last progress."""

    def run(frame):
        writer = frame.writeStream.format("memory").queryName("arrived").option("deadLetterPath", aside)
        query = writer.trigger(availableNow=True).option("checkpointLocation", f"{tmp_path}/cp").start()
        query.awaitTermination()
        return sorted(spark.table("arrived").collect(), key=str), query.lastProgress

    return run


def test_malformed_json_lines(spark, tmp_path, run, letters):
    folder = tmp_path / "in put"
    folder.mkdir()
    (folder / "a.json").write_text('{"n": 1}\n\n{"n": "one"}\n{"n": 2}\r\n{"n"\n')
    (folder / "b.json.gz").write_bytes(gzip.compress('{"n": "ñ"}\n{"n": 3}\n{"n"\n'.encode()))
    frame = spark.readStream.schema("n INT").option("mode", "FAILFAST").json(str(folder))
    arrived, progress = run(frame)
    assert arrived == [(1,), (2,), (3,)]
    assert progress["sink"]["metrics"] == {"numDeadLetters": "4"}
    uri = f"file://{tmp_path}/in%20put"
    found = {(letter["location"]["path"], letter["location"]["line"]): letter for letter in letters()}
    assert list(found) == [
        (f"{uri}/a.json", 3),
        (f"{uri}/a.json", 5),
        (f"{uri}/b.json.gz", 1),
        (f"{uri}/b.json.gz", 3),
    ]
    assert found[f"{uri}/a.json", 5]["record"] == '{"n"'
    assert found[f"{uri}/b.json.gz", 1]["record"] == {"n": "ñ"}
    assert {letter["errorClass"] for letter in found.values()} == {
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"
    }
    assert {letter["endOffset"] for letter in found.values()} == {'{"logOffset":0}'}


def test_malformed_csv_lines(spark, tmp_path, run, letters):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("n,m\n1,x\none,y\n2\n3,z\n")
    reader = spark.readStream.schema("n INT, m STRING").option("mode", "FAILFAST").option("header", True)
    arrived, _ = run(reader.csv(f"{tmp_path}/in"))
    assert arrived == [(1, "x"), (3, "z")]
    assert [(letter["location"]["line"], letter["record"]) for letter in letters()] == [
        (3, "one,y"),
        (4, 2),
    ]


def test_permissive_records_stay_nulls_as_in_spark(spark, tmp_path, run, letters):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text('{"n": 1}\n{"n"\n')
    arrived, _ = run(spark.readStream.schema("n INT").json(f"{tmp_path}/in"))
    assert arrived == [(1,), (None,)]
    assert letters() == []


@F.udf(IntegerType())
def no_sevens(number):
    if number % 10 == 7:
        raise ValueError(f"{number} is bad luck")
    return number


def test_a_row_of_a_text_file_that_a_function_refuses(spark, tmp_path, run, letters):
    (tmp_path / "in").mkdir()
    for name, first in (("a", 0), ("b", 5)):
        (tmp_path / "in" / f"{name}.csv").write_text("".join(f"{first + i}\n" for i in range(5)))
    arrived, _ = run(spark.readStream.schema("n INT").csv(f"{tmp_path}/in").select(no_sevens("n")))
    assert len(arrived) == 9
    (letter,) = letters()
    assert letter["location"] == {"path": f"file://{tmp_path}/in/b.csv", "row": 2}
    assert letter["source"] == f"FileStreamSource[file:{tmp_path}/in]"


@pytest.mark.parametrize("rows", [10, 200_000])
def test_a_row_of_a_parquet_file(spark, tmp_path, run, letters, rows):
    (tmp_path / "in").mkdir()
    for name, first in (("a", 0), ("b", rows)):
        numbers = pa.array([10 * n for n in range(first, first + rows)], pa.int32())
        if name == "b":
            numbers = pa.concat_arrays([numbers.slice(0, rows // 2), pa.array([7], pa.int32())])
        pq.write_table(pa.table({"n": numbers}), tmp_path / "in" / f"{name}.parquet", compression="none")
    arrived, _ = run(spark.readStream.schema("n INT").parquet(f"{tmp_path}/in").select(no_sevens("n")))
    assert len(arrived) == rows + rows // 2
    (letter,) = letters()
    assert letter["location"] == {"path": f"file://{tmp_path}/in/b.parquet", "row": rows // 2}
    assert letter["record"] == {"n": 7}


def test_a_record_of_kafka_that_is_no_avro(spark, run, letters):
    kafka = MockKafka()
    try:
        kafka.send("numbers", [b"\x02", b"\xff"], partition=1, key=b"k\xff")
        kafka.send("numbers", [b"\x04"], partition=0)
        reader = spark.readStream.format("kafka").option("kafka.bootstrap.servers", kafka.servers)
        records = reader.option("subscribe", "numbers").option("startingOffsets", "earliest").load()
        arrived, _ = run(records.select(from_avro("value", '"long"')))
    finally:
        kafka.close()
    assert arrived == [(1,), (2,)]
    (letter,) = letters()
    assert letter["location"] == {"topic": "numbers", "partition": 1, "offset": 1}
    assert letter["source"] == "KafkaV2[Subscribe[numbers]]"
    assert letter["errorClass"] == "MALFORMED_AVRO_MESSAGE"
    assert letter["record"]["value"] == {"base64": "/w=="}

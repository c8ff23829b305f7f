"""What rows know about the file they came from, as Spark says it."""

import datetime as dt
import os

import pytest

from tests.conformance.source_cases import write_json, write_parquet


@pytest.fixture
def read_all(spark):
    """The rows of a stream, by way of a query into memory."""

    def run(frame):
        query = frame.writeStream.format("memory").queryName("rows").trigger(availableNow=True).start()
        query.awaitTermination()
        return sorted(spark.table("rows").collect())

    return run


@pytest.mark.parametrize(("format", "write"), [("json", write_json), ("parquet", write_parquet)])
def test_every_field_of_metadata(spark, read_all, tmp_path, format, write):
    folder = tmp_path / "in" / "k=1"
    folder.mkdir(parents=True)
    path = f"{folder}/é 1%.{format}"
    write(path, [{"id": 1, "name": "Ana"}])
    os.utime(path, (1_700_000_000, 1_700_000_000))
    stream = spark.readStream.format(format).schema("id long, name string").load(str(tmp_path / "in"))
    size = os.path.getsize(path)
    [row] = read_all(stream.select("*", "_metadata"))
    assert row[:3] == (1, "Ana", 1)
    assert row["_metadata"].asDict() == {
        "file_path": f"file:{folder}/é%201%25.{format}",
        "file_name": f"é%201%25.{format}",
        "file_size": size,
        "file_block_start": 0,
        "file_block_length": size,
        "file_modification_time": dt.datetime(2023, 11, 14, 22, 13, 20),
    }


def test_metadata_in_filters_and_new_columns_stays_hidden(spark, read_all, tmp_path):
    for i in range(3):
        write_json(str(tmp_path / f"{i}.json"), [{"id": i, "name": "x"}])
    stream = spark.readStream.schema("id long, name string").json(str(tmp_path))
    chosen = stream.where("_metadata.file_name <> '1.json'")
    assert chosen.columns == ["id", "name"]
    assert [row["id"] for row in read_all(chosen)] == [0, 2]
    named = chosen.withColumn("file", chosen["_metadata.file_name"]).drop("name")
    assert read_all(named) == [(0, "0.json"), (2, "2.json")]

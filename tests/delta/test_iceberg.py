"""Iceberg tables in batches, as docs/iceberg.md says: the engine reads and writes them by path and name."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.types import Row


@pytest.fixture
def path(tmp_path):
    return f"{tmp_path}/iceberg"


@pytest.fixture
def frame(spark):
    return spark.createDataFrame([(1, "a"), (2, None)], "id long, name string")


@pytest.fixture
def table(spark, frame, path):
    frame.write.format("iceberg").save(path)
    spark.sql(f"CREATE TABLE berg USING iceberg LOCATION '{path}'")
    yield "berg"
    spark.sql("DROP TABLE berg")


def rows(frame):
    return sorted(map(tuple, frame.collect()), key=str)


def test_append_overwrite_and_a_filter(spark, frame, path):
    for mode in ("error", "append"):
        frame.write.format("iceberg").mode(mode).save(path)
    assert spark.read.format("iceberg").load(path).where("id = 1").count() == 2
    frame.write.format("iceberg").mode("overwrite").save(path)
    assert rows(spark.read.format("iceberg").load(path)) == [(1, "a"), (2, None)]


def test_partitions_and_schema_evolution(spark, frame, path):
    frame.write.format("iceberg").partitionBy("name").save(path)
    wider = spark.createDataFrame([(3, "c", 1.5)], "id long, name string, more double")
    wider.write.format("iceberg").mode("append").option("mergeSchema", True).save(path)
    stored = spark.read.format("iceberg").load(path)
    assert stored.columns == ["id", "more", "name"]
    assert rows(stored) == [(1, None, "a"), (2, None, None), (3, 1.5, "c")]


def test_sql_by_name_and_by_path(spark, table, path):
    spark.sql(f"INSERT INTO {table} VALUES (3, 'c'), (4, 'd')")
    assert spark.sql(f"SELECT max(id) FROM iceberg.`{path}`").collect() == [(4,)]
    spark.sql(f"DELETE FROM {table} WHERE id = 4").collect()
    spark.sql(f"UPDATE {table} SET name = 'new' WHERE id = 2").collect()
    assert rows(spark.table(table)) == [(1, "a"), (2, "new"), (3, "c")]
    spark.sql(
        f"""MERGE INTO {table} t USING (SELECT 1L AS id UNION ALL SELECT 9L) s ON t.id = s.id
            WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, 'merged')"""
    ).collect()
    assert rows(spark.table(table)) == [(2, "new"), (3, "c"), (9, "merged")]


def test_time_travel(spark, table, path, frame):
    frame.write.format("iceberg").mode("append").save(path)
    newest = sorted(Path(path, "metadata").glob("v*.metadata.json"))[-1]
    first = json.loads(newest.read_text())["snapshots"][0]["snapshot-id"]
    assert spark.read.format("iceberg").option("snapshot-id", first).load(path).count() == 2
    assert spark.sql(f"SELECT count(*) FROM {table} VERSION AS OF {first}").collect() == [(2,)]


def test_types_go_and_come_back(spark, path):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    values = (
        (7, dt.date(2024, 2, 29), dt.datetime(2024, 1, 1, 12, 0, 0, 1), Decimal("1.50"), b"\x00", True),
        ([1, None], {"a": 1}, Row(x=1, y="ü 😀"), 1.5),
    )
    schema = """i int, d date, t timestamp_ntz, n decimal(10,2), b binary, f boolean,
                l array<int>, m map<string, int>, s struct<x: int, y: string>, x double"""
    spark.createDataFrame([values[0] + values[1]], schema).write.format("iceberg").save(path)
    assert spark.read.format("iceberg").load(path).collect() == [values[0] + values[1]]


def test_streams_and_hudi_are_refused(spark, frame, path):
    with pytest.raises(PySparkException, match="DATA_SOURCE_NOT_FOUND"):
        spark.readStream.format("iceberg").load(path).isStreaming  # noqa: B018 - asking resolves it
    stream = spark.readStream.format("rate").load().writeStream.format("iceberg")
    with pytest.raises(PySparkException, match="DATA_SOURCE_NOT_FOUND"):
        stream.option("checkpointLocation", f"{path}-checkpoint").start(path)
    with pytest.raises(PySparkException, match="DATA_SOURCE_NOT_FOUND"):
        spark.read.format("hudi").load(path).collect()


def test_a_stream_writes_through_foreach_batch(spark, tmp_path, path):
    """A batch that comes again is recognised by its number, as docs/iceberg.md does it."""
    (tmp_path / "in").mkdir()
    for i in range(3):
        (tmp_path / "in" / f"{i}.json").write_text(f'{{"id": {i}}}')

    def append(batch, batch_id):
        written = batch.sparkSession.read.format("iceberg").load(path).where(f"batch_id = {batch_id}")
        if written.isEmpty():
            batch.withColumn("batch_id", F.lit(batch_id)).write.format("iceberg").mode("append").save(path)

    empty = spark.createDataFrame([], "id long, batch_id int")
    empty.write.format("iceberg").save(path)

    reader = spark.readStream.schema("id long").option("maxFilesPerTrigger", 1).json(f"{tmp_path}/in")
    for checkpoint in ("first", "again"):
        writer = reader.writeStream.foreachBatch(append).trigger(availableNow=True)
        writer.option("checkpointLocation", f"{tmp_path}/{checkpoint}").start().awaitTermination()
    assert sorted(row.id for row in spark.read.format("iceberg").load(path).collect()) == [0, 1, 2]

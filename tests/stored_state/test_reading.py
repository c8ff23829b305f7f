"""State is read while its query runs, in any expression, and of values of every type."""

from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.stored_state.queries import add, continue_counts, counted, counts, writer


def test_a_running_query_shows_its_last_committed_batch(spark: SparkSession, tmp_path: Path) -> None:
    add(tmp_path / "in", "a", "b", "a")
    query = writer(counts(spark, tmp_path), tmp_path).start()
    query.processAllAvailable()
    assert counted(spark, tmp_path / "checkpoint") == {"a": 2, "b": 1}
    add(tmp_path / "in", "a", None)
    query.processAllAvailable()
    assert query.isActive
    assert counted(spark, tmp_path / "checkpoint") == {"a": 3, "b": 1, None: 1}
    assert counted(spark, tmp_path / "checkpoint", batchId=0) == {"a": 2, "b": 1}
    query.stop()


def test_state_joins_and_aggregates_like_any_frame(spark: SparkSession, tmp_path: Path) -> None:
    checkpoint = continue_counts(spark, tmp_path, ["a", "b", "a"], ["c"])
    state = spark.read.format("statestore").load(str(checkpoint))
    names = spark.createDataFrame([("a", "Ana"), ("c", "Carl")], "value string, name string")
    joined = names.join(state.select("key.value", "value.count"), "value").orderBy("name")
    assert [tuple(row) for row in joined.collect()] == [("a", "Ana", 2), ("c", "Carl", 1)]
    assert state.agg(F.sum("value.count")).first()[0] == 4


def test_a_state_without_rows_has_its_schema(spark: SparkSession, tmp_path: Path) -> None:
    continue_counts(spark, tmp_path, [])
    state = spark.read.format("statestore").load(str(tmp_path / "checkpoint"))
    assert state.collect() == []
    assert state.schema.simpleString() == (
        "struct<key:struct<value:string>,value:struct<count:bigint>,partition_id:int>"
    )


def test_a_field_may_be_added_where_the_check_is_off(spark: SparkSession, tmp_path: Path) -> None:
    checkpoint = continue_counts(spark, tmp_path, ["a", "b", "a"])
    add(tmp_path / "in", "a", "c")
    values = spark.readStream.schema("value string").json(str(tmp_path / "in"))
    grown = values.groupBy("value").agg(F.count("*"), F.max("value"))
    with pytest.raises(PySparkException, match=r"(?s)VALUE_SCHEMA_NOT_COMPATIBLE.*field max was added"):
        writer(grown, tmp_path).trigger(availableNow=True).start().awaitTermination()
    spark.conf.set("spark.sql.streaming.stateStore.stateSchemaCheck", "false")
    writer(grown, tmp_path).trigger(availableNow=True).start().awaitTermination()
    state = spark.read.format("statestore").load(str(checkpoint)).select("key.value", "value.*")
    found = sorted((tuple(row) for row in state.collect()), key=repr)
    assert found == [("a", 3, "a"), ("b", 1, None), ("c", 1, "c")]

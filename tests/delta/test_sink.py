"""Streams into Delta tables: append, complete, partitions, schema evolution, compaction."""

import deltalake
import pytest
from pyspark.errors import AnalysisException, StreamingQueryException
from pyspark.sql import functions as F

from cauce.delta.log import DeltaLog, commit_info
from tests.delta.conftest import operations


@pytest.fixture
def source(spark, tmp_path):
    """A folder of JSON files, one batch each, and the stream over it."""

    class Source:
        def __init__(self):
            self.count = 0

        def add(self, *lines):
            folder = tmp_path / "in"
            folder.mkdir(exist_ok=True)
            (folder / f"{self.count}.json").write_text("\n".join(lines))
            self.count += 1

        def stream(self, schema="id long, name string"):
            reader = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1)
            return reader.json(f"{tmp_path}/in")

    return Source()


def test_each_batch_is_one_commit_that_names_the_query(source, rows, drain, path):
    source.add('{"id": 1, "name": "日本 😀"}', '{"id": 2}')
    source.add('{"id": 3, "name": "c"}')
    query = drain(source.stream().writeStream.format("delta"), path)
    assert rows(path) == [(1, "日本 😀"), (2, None), (3, "c")]
    log = DeltaLog.open(path)
    infos = [commit_info(log.read(version)) for version in log.versions()]
    assert [info["operation"] for info in infos] == ["STREAMING UPDATE"] * 2
    assert infos[1]["operationParameters"] == {
        "outputMode": "Append",
        "queryId": query.id,
        "epochId": "1",
    }
    assert log.existing().transaction_version(query.id) == 1
    assert query.lastProgress["sink"]["description"] == f"DeltaSink[{path}]"
    assert query.lastProgress["sink"]["metrics"]["numFiles"] == "2"


def test_other_engines_read_the_table(source, drain, path):
    source.add('{"id": 1, "name": "a b/ü"}', '{"id": 2}')
    drain(source.stream().writeStream.format("delta").partitionBy("name"), path)
    table = deltalake.DeltaTable(path).to_pyarrow_table()
    assert sorted(table.to_pylist(), key=str) == [{"id": 1, "name": "a b/ü"}, {"id": 2, "name": None}]


def test_a_restart_goes_on_and_repeats_nothing(source, rows, drain, path):
    source.add('{"id": 1, "name": "a"}')
    drain(source.stream().writeStream.format("delta"), path)
    source.add('{"id": 2, "name": "b"}')
    drain(source.stream().writeStream.format("delta"), path)
    assert rows(path) == [(1, "a"), (2, "b")]


def test_complete_mode_replaces_all_rows(source, rows, drain, path):
    source.add('{"id": 1, "name": "a"}', '{"id": 2, "name": "a"}')
    source.add('{"id": 3, "name": "b"}')
    counts = source.stream().groupBy("name").count()
    drain(counts.writeStream.format("delta").outputMode("complete"), path)
    assert rows(path) == [("a", 2), ("b", 1)]
    assert len(DeltaLog.open(path).existing().files) == 1


def test_update_mode_is_refused_at_start(source, path, tmp_path):
    source.add('{"id": 1}')
    counts = source.stream().groupBy("name").count()
    writer = (
        counts.writeStream.format("delta").outputMode("update").option("checkpointLocation", f"{tmp_path}/c")
    )
    with pytest.raises(AnalysisException, match="does not support update output mode|STREAMING_OUTPUT_MODE"):
        writer.start(path)


def test_a_new_column_needs_merge_schema(spark, source, rows, drain, path):
    spark.createDataFrame([(1, "a")], "id long, name string").write.format("delta").save(path)
    source.add('{"id": 2, "name": "b", "more": 1.5}')
    stream = source.stream("id long, name string, more double")
    with pytest.raises(StreamingQueryException, match="A schema mismatch detected when writing to the Delta"):
        drain(stream.writeStream.format("delta"), path)
    drain(stream.writeStream.format("delta").option("mergeSchema", True), path, name="other")
    assert rows(path) == [(1, "a", None), (2, "b", 1.5)]


def test_another_type_is_refused(spark, source, drain, path):
    spark.createDataFrame([(1, "a")], "id long, name string").write.format("delta").save(path)
    source.add('{"id": "x"}')
    with pytest.raises(StreamingQueryException, match="Failed to merge fields 'id' and 'id'"):
        drain(source.stream("id string").writeStream.format("delta"), path)


def test_narrower_numbers_and_missing_columns_fit(spark, source, rows, drain, path):
    spark.createDataFrame([(1, "a")], "id long, name string").write.format("delta").save(path)
    source.add('{"ID": 2}')
    drain(source.stream("ID int").writeStream.format("delta"), path)
    assert rows(path) == [(1, "a"), (2, None)]


def test_overwrite_schema_in_complete_mode(spark, source, rows, drain, path):
    spark.createDataFrame([(1, "a")], "old long, name string").write.format("delta").save(path)
    source.add('{"id": 1, "name": "a"}')
    counts = source.stream().groupBy("name").count()
    writer = counts.writeStream.format("delta").outputMode("complete").option("overwriteSchema", True)
    drain(writer, path)
    assert rows(path) == [("a", 1)]


def test_to_table_makes_a_table_by_name(spark, source, drain, tmp_path):
    source.add('{"id": 1, "name": "a"}')
    writer = source.stream().writeStream.format("delta").partitionBy("name").option("path", f"{tmp_path}/t")
    drain(writer, table="by_name")
    assert spark.table("by_name").collect() == [(1, "a")]
    drain(spark.readStream.table("by_name").writeStream.format("memory").queryName("copy"), name="second")
    assert spark.table("copy").collect() == [(1, "a")]


def test_auto_compact_puts_small_files_together(spark, source, rows, drain, path, monkeypatch):
    monkeypatch.setattr("cauce.delta.compaction.SMALL_FILES_MIN", 3)
    for i in range(4):
        source.add(f'{{"id": {i}}}')
    drain(source.stream().writeStream.format("delta").option("autoCompact", True), path)
    assert rows(path) == [(i, None) for i in range(4)]
    assert operations(path) == [*["STREAMING UPDATE"] * 3, "OPTIMIZE", "STREAMING UPDATE"]
    assert len(DeltaLog.open(path).existing().files) == 2
    drain(
        spark.readStream.format("delta")
        .option("startingVersion", 0)
        .load(path)
        .writeStream.format("memory")
        .queryName("tail"),
        name="reader",
    )
    assert spark.table("tail").count() == 4


def test_every_tenth_commit_has_a_checkpoint_that_readers_start_from(source, rows, drain, path):
    for i in range(12):
        source.add(f'{{"id": {i}, "name": "n"}}')
    drain(source.stream().writeStream.format("delta"), path)
    log = DeltaLog.open(path)
    assert log.file_system.exists(f"{log.log_path}/{10:020d}.checkpoint.parquet")
    for version in range(10):
        log.file_system.delete(log.commit_path(version))
    assert sorted(rows(path)) == sorted((i, "n") for i in range(12))
    assert len(DeltaLog.open(path).existing().files) == 12
    assert deltalake.DeltaTable(path).to_pyarrow_table().num_rows == 12


def test_constraints_hold_for_streams(spark, source, drain, path):
    spark.sql(f"CREATE TABLE strict (id BIGINT NOT NULL, name STRING) USING delta LOCATION '{path}'")
    source.add('{"name": "a"}')
    with pytest.raises(StreamingQueryException, match="NOT NULL constraint violated for column: id"):
        drain(source.stream().writeStream.format("delta"), path)


def test_columns_of_all_kinds_keep_their_values(spark, rows, drain, path, tmp_path):
    frame = spark.range(1).select(
        F.lit("2024-02-29").cast("date").alias("day"),
        F.lit("2024-02-29 12:00:00.123456").cast("timestamp").alias("ts"),
        F.lit("2024-02-29 12:00:00.123456").cast("timestamp_ntz").alias("ntz"),
        F.lit("12.3400").cast("decimal(20,4)").alias("dec"),
        F.array(F.lit("a")).alias("arr"),
        F.struct(F.lit(1).alias("x")).alias("st"),
        F.create_map(F.lit("k"), F.lit(1)).alias("m"),
        F.lit(b"\x00\xff").alias("bin"),
    )
    frame.write.parquet(f"{tmp_path}/in")
    stream = spark.readStream.schema(frame.schema).parquet(f"{tmp_path}/in")
    drain(stream.writeStream.format("delta").partitionBy("day", "ts"), path)
    stored = spark.read.format("delta").load(path).select(*frame.columns)
    assert stored.collect() == frame.collect()
    assert "timestampNtz" in DeltaLog.open(path).existing().protocol.reader_features

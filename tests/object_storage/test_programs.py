"""What users do with `s3a://`: the same programs as with folders, with everything there."""

import json

import pytest
from pyspark.errors import AnalysisException, PySparkException, StreamingQueryException
from pyspark.sql import functions as F
from pyspark.sql.connect.session import SparkSession

from cauce.files import open_file_system
from tests.support.mock_s3 import MockS3

SCHEMA = "id long, name string"


def put(path: str, text: str) -> None:
    file_system, path = open_file_system(path)
    file_system.write_durable(path, text.encode())


def read(path: str) -> str:
    file_system, path = open_file_system(path)
    return file_system.read_bytes(path).decode()


def names(path: str) -> list[str]:
    file_system, path = open_file_system(path)
    return sorted(file_system.names(path))


def rows(frame) -> list[tuple]:
    return sorted(tuple(row) for row in frame.collect())


FILES = {
    "csv": "1,ana\n2,bo\n",
    "json": '{"id": 1, "name": "ana"}\n{"id": 2, "name": "bo"}\n',
    "text": "ana\nbo\n",
}


@pytest.mark.parametrize("format", ["csv", "json", "orc", "parquet", "text"])
def test_a_stream_from_files_to_files(lake: SparkSession, format: str) -> None:
    source = format if format in FILES else "json"
    put("s3a://lake/in/day=1/a b.txt", FILES[source])
    schema = "value string, day int" if format == "text" else f"{SCHEMA}, day int"
    stream = lake.readStream.schema(schema).format(source).load("s3a://lake/in")
    out = stream.select(F.col("value")) if format == "text" else stream
    writer = out.writeStream.format(format).option("checkpointLocation", "s3a://lake/checkpoint")
    query = writer.start("s3a://lake/out")
    query.processAllAvailable()
    query.stop()
    put("s3a://lake/in/day=2/b.txt", FILES[source])
    again = writer.start("s3a://lake/out")
    again.processAllAvailable()
    again.stop()
    found = rows(lake.read.schema(out.schema).format(format).load("s3a://lake/out"))
    if format == "text":
        assert found == [("ana",), ("ana",), ("bo",), ("bo",)]
    else:
        assert found == [(1, "ana", 1), (1, "ana", 2), (2, "bo", 1), (2, "bo", 2)]


def test_the_logs_are_sparks_and_name_objects_by_the_users_scheme(lake: SparkSession) -> None:
    put("s3a://lake/in/a b.json", FILES["json"])
    stream = lake.readStream.schema(SCHEMA).json("s3a://lake/in")
    query = stream.writeStream.option("checkpointLocation", "s3a://lake/c").start("s3a://lake/out")
    query.processAllAvailable()
    query.stop()
    assert names("s3a://lake/c") == [".cauce.lock", "commits", "metadata", "offsets", "sources"]
    assert names("s3a://lake/c/commits") == ["0"]
    version, entry = read("s3a://lake/c/sources/0/0").splitlines()
    assert (version, json.loads(entry)["path"]) == ("v1", "s3a://lake/in/a%20b.json")
    logged = json.loads(read("s3a://lake/out/_spark_metadata/0").splitlines()[1])
    assert logged["path"].startswith("s3a://lake/out/part-00000-")
    assert query.lastProgress["sources"][0]["description"] == "FileStreamSource[s3a://lake/in]"
    assert query.lastProgress["sink"]["description"] == "FileSink[s3a://lake/out]"


def test_a_local_stream_keeps_only_its_checkpoint_there(lake: SparkSession, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.json").write_text(FILES["json"])
    stream = lake.readStream.schema(SCHEMA).json(f"{tmp_path}/in")
    counts = stream.groupBy("name").count().writeStream.outputMode("complete").queryName("counts")
    query = counts.format("memory").option("checkpointLocation", "s3a://lake/c").start()
    query.processAllAvailable()
    query.stop()
    (tmp_path / "in/b.json").write_text(FILES["json"])
    query = counts.start()
    query.processAllAvailable()
    query.stop()
    assert rows(lake.table("counts")) == [("ana", 2), ("bo", 2)]
    assert names("s3a://lake/c/state/0/default")


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_save_modes_of_batch_writes(lake: SparkSession, format: str) -> None:
    frame = lake.createDataFrame([(1, "ana"), (2, "bo")], SCHEMA)
    out = "s3a://lake/out"
    frame.write.format(format).save(out)
    with pytest.raises(AnalysisException, match="PATH_ALREADY_EXISTS"):
        frame.write.format(format).save(out)
    frame.write.format(format).mode("ignore").save(out)
    frame.write.format(format).mode("append").save(out)
    reader = lake.read.schema(SCHEMA).format(format)
    assert reader.load(out).count() == 4
    frame.where("id = 1").write.format(format).mode("overwrite").save(out)
    assert rows(reader.load(out)) == [(1, "ana")]
    assert "_SUCCESS" in names(out)


def test_partitions_of_batch_writes(lake: SparkSession) -> None:
    frame = lake.createDataFrame([(1, "ana"), (2, "bo")], SCHEMA)
    frame.write.partitionBy("id").parquet("s3a://lake/out")
    assert names("s3a://lake/out") == ["_SUCCESS", "id=1", "id=2"]
    changed = lake.createDataFrame([(2, "cy")], SCHEMA).write.partitionBy("id").mode("overwrite")
    changed.option("partitionOverwriteMode", "dynamic").parquet("s3a://lake/out")
    found = lake.read.parquet("s3a://lake/out")
    assert (found.schema.simpleString(), rows(found)) == (
        "struct<name:string,id:int>",
        [("ana", 1), ("cy", 2)],
    )
    assert rows(lake.read.parquet("s3a://lake/out/id=1")) == [("ana",)]
    assert rows(lake.read.parquet("s3a://lake/out/id={1,2}/*.parquet")) == [("ana",), ("cy",)]


def test_delta_tables(lake: SparkSession) -> None:
    table, checkpoint = "s3a://lake/table", "s3a://lake/checkpoint"
    lake.createDataFrame([(1, "ana"), (2, "bo")], SCHEMA).write.format("delta").save(table)
    stream = lake.readStream.format("delta").load(table).writeStream.format("delta")
    query = stream.option("checkpointLocation", checkpoint).start("s3a://lake/copy")
    query.processAllAvailable()
    lake.createDataFrame([(3, "cy")], SCHEMA).write.format("delta").mode("append").save(table)
    query.processAllAvailable()
    query.stop()
    assert rows(lake.read.format("delta").load("s3a://lake/copy")) == [(1, "ana"), (2, "bo"), (3, "cy")]
    lake.sql(f"DELETE FROM delta.`{table}` WHERE id = 1")
    lake.sql(f"UPDATE delta.`{table}` SET name = 'dee' WHERE id = 2")
    assert rows(lake.read.format("delta").load(table)) == [(2, "dee"), (3, "cy")]
    assert lake.read.format("delta").option("versionAsOf", 0).load(table).count() == 2
    history = lake.sql(f"DESCRIBE HISTORY delta.`{table}`").select("operation").collect()
    assert [row.operation for row in history] == ["UPDATE", "DELETE", "WRITE", "WRITE"]


def test_files_are_archived_in_the_same_bucket_only(lake: SparkSession) -> None:
    put("s3a://lake/in/a.json", FILES["json"])
    stream = lake.readStream.schema(SCHEMA).option("cleanSource", "archive")
    for archive in ("/archive", "s3a://other/archive"):
        with pytest.raises(StreamingQueryException, match="different file system"):
            query = stream.option("sourceArchiveDir", archive).json("s3a://lake/in").writeStream
            started = query.format("noop").option("checkpointLocation", "s3a://lake/refused").start()
            started.processAllAvailable()
    kept = stream.option("sourceArchiveDir", "s3a://lake/archive").json("s3a://lake/in")
    query = kept.writeStream.format("noop").option("checkpointLocation", "s3a://lake/c").start()
    query.processAllAvailable()
    put("s3a://lake/in/b.json", FILES["json"])
    query.processAllAvailable()
    query.stop()
    assert names("s3a://lake/archive/in") == ["a.json"]
    assert names("s3a://lake/in") == ["b.json"]


def test_a_missing_bucket_is_named(lake: SparkSession) -> None:
    for action in (
        lambda: lake.read.parquet("s3a://nowhere/in").count(),
        lambda: lake.range(1).write.parquet("s3a://nowhere/out"),
        lambda: lake.readStream.schema(SCHEMA).json("s3a://nowhere/in").schema,
        lambda: lake.range(1).write.format("delta").save("s3a://nowhere/table"),
    ):
        with pytest.raises(PySparkException, match="Bucket nowhere does not exist. Create it") as caught:
            action()
        assert caught.value.getCondition() == "CAUCE_OBJECT_STORAGE.NO_SUCH_BUCKET"


def test_wrong_credentials_are_said_to_be_so(lake: SparkSession) -> None:
    lake.conf.set("spark.hadoop.fs.s3a.access.key", "nobody")
    with pytest.raises(PySparkException, match="fs.s3a.access.key") as caught:
        lake.read.parquet("s3a://lake/in").count()
    assert caught.value.getCondition() == "CAUCE_OBJECT_STORAGE.ACCESS_DENIED"
    assert "lake" in str(caught.value)
    stream = lake.readStream.format("rate").load().writeStream.format("noop")
    with pytest.raises(PySparkException, match="ACCESS_DENIED"):
        stream.option("checkpointLocation", "s3a://lake/c").start()


def test_a_folder_that_is_not_there(lake: SparkSession) -> None:
    with pytest.raises(AnalysisException, match="PATH_NOT_FOUND"):
        lake.read.parquet("s3a://lake/nothing").count()
    with pytest.raises(AnalysisException, match="PATH_NOT_FOUND"):
        lake.readStream.schema(SCHEMA).json("s3a://lake/nothing").writeStream.format("noop").option(
            "checkpointLocation", "s3a://lake/c"
        ).start()


def test_the_environment_says_where_the_store_is(
    spark: SparkSession, s3: MockS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("AWS_ENDPOINT_URL", s3.endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    spark.range(3).write.parquet("s3://lake/out")
    assert spark.read.parquet("s3://lake/out").count() == 3

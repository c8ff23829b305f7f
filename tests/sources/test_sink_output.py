"""A folder written by a streaming file sink is read by its log, in batch and as a stream."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.connect.proto import Filter, Read, Relation
from pyspark.sql.types import LongType, StringType, StructType

from cauce.checkpoint import SinkFile, SinkLog
from cauce.errors import AnalysisException, UnsupportedOperationException
from cauce.streaming.sources import SourceOptions
from cauce.streaming.sources.file import FileSource
from cauce.streaming.sources.sink_output import honour_sink_log, sink_log_files

SCHEMA = StructType().add("id", LongType()).add("k", StringType())


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out")


def write(context, out, batch_id, name, *ids, log=True):
    path = f"{out}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pq.write_table(pa.table({"id": pa.array(ids, pa.int64())}), path)
    status = context.file_system.status(path)
    if log:
        SinkLog(context.file_system, f"{out}/_spark_metadata").add(
            batch_id, [SinkFile(path, status.size_bytes, status.modified_ms)]
        )
    return path


def batch_read(out, schema=""):
    source = Read.DataSource(format="parquet", paths=[out], schema=schema)
    relation = Relation(read=Read(data_source=source))
    relation.common.plan_id = 7
    return relation


def rows(context, relation):
    table = context.engine.run(honour_sink_log(relation, context.engine))
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_files_the_log_does_not_list_are_not_read(context, out):
    listed = write(context, out, 0, "a.parquet", 1)
    write(context, out, 1, "left-by-a-failed-attempt.parquet", 2, log=False)
    assert sink_log_files(context.file_system, out) == [listed]
    assert rows(context, batch_read(out)) == [(1,)]


def test_partition_columns_survive(context, out):
    write(context, out, 0, "k=1/a.parquet", 1)
    write(context, out, 1, "k=2/b.parquet", 2)
    assert rows(context, batch_read(out)) == [(1, 1), (2, 2)]
    assert rows(context, batch_read(out, "k STRING, id BIGINT")) == [(1, "1"), (2, "2")]
    assert rows(context, batch_read(out, SCHEMA.json())) == [(1, "1"), (2, "2")]


def test_reads_are_found_anywhere_in_a_plan_and_keep_their_plan_id(context, out):
    write(context, out, 0, "a.parquet", 1)
    honoured = honour_sink_log(Relation(filter=Filter(input=batch_read(out))), context.engine)
    assert honoured.filter.input.common.plan_id == 7
    assert list(honoured.filter.input.read.data_source.paths) == [f"file://{out}/a.parquet"]


def test_other_folders_and_streams_are_left_alone(context, out):
    write(context, out, 0, "a.parquet", 1, log=False)
    plain = batch_read(out)
    assert honour_sink_log(plain, context.engine) is plain
    write(context, out, 0, "a.parquet", 1)
    stream = batch_read(out)
    stream.read.is_streaming = True
    assert honour_sink_log(stream, context.engine) is stream


def test_an_answer_without_files_is_empty_if_its_columns_are_known(context, out):
    SinkLog(context.file_system, f"{out}/_spark_metadata").add(0, [])
    assert rows(context, batch_read(out, "id BIGINT")) == []
    with pytest.raises(AnalysisException, match="Unable to infer schema for Parquet"):
        rows(context, batch_read(out))


def test_a_stream_over_the_folder_reads_by_the_log_too(context, out, rows_of):
    write(context, out, 0, "k=x/a.parquet", 1)
    write(context, out, 1, "k=x/left-by-a-failed-attempt.parquet", 2, log=False)
    source = FileSource(SourceOptions("parquet", SCHEMA, (out,)), context)
    assert rows_of(source, None, source.latest_offset(None, source.default_limit())) == [{"id": 1, "k": "x"}]
    write(context, out, 1, "k=y/b.parquet", 3)
    assert rows_of(source, 0, source.latest_offset(0, source.default_limit())) == [{"id": 3, "k": "y"}]


def test_the_files_of_a_sink_cannot_be_cleaned_away(context, out):
    write(context, out, 0, "a.parquet", 1)
    source = FileSource(SourceOptions("parquet", SCHEMA, (out,), {"cleanSource": "delete"}), context)
    with pytest.raises(UnsupportedOperationException, match="Clean up source files is not supported"):
        source.latest_offset(None, source.default_limit())


def test_spark_read_follows_the_log(context, out, spark):
    write(context, out, 0, "k=1/a.parquet", 1)
    write(context, out, 1, "k=1/left-by-a-failed-attempt.parquet", 2, log=False)
    assert spark.read.parquet(out).collect() == [(1, 1)]
    assert spark.read.schema("k STRING, id LONG").parquet(out).where("k = '1'").collect() == [(1, "1")]

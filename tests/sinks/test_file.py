"""The file sink: what the log lists is the answer, each row exactly once, in Spark's names and folders."""

import dataclasses
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.types import DateType, LongType, StringType, StructType

from cauce.checkpoint import SinkLog
from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.streaming.sinks import SinkOptions, check_output_mode
from cauce.streaming.sinks.file import FileSink


def rows(*ids):
    return pa.table({"id": pa.array(ids, pa.int64()), "name": [f"n{i % 2}" if i else None for i in ids]})


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out")


def file_sink(context, out, format="parquet", partition_by=(), **options):
    return FileSink(
        SinkOptions(format, "append", path=out, partition_by=partition_by, options=options), context
    )


def logged(context, out):
    return [file.path for file in SinkLog(context.file_system, f"{out}/_spark_metadata").all_files()]


def test_rows_land_in_files_that_the_log_lists(context, out):
    sink = file_sink(context, out)
    assert sink.add_batch(0, rows(1, 2)) is None
    sink.add_batch(1, rows(3))
    paths = logged(context, out)
    assert [id for path in paths for id in pq.read_table(path)["id"].to_pylist()] == [1, 2, 3]
    assert all(os.path.basename(path).startswith("part-00000-") for path in paths)
    assert all(path.endswith("-c000.snappy.parquet") for path in paths)
    assert sink.description() == f"FileSink[file:{out}]"


def test_the_log_is_sparks(context, out):
    file_sink(context, out).add_batch(0, rows(1))
    with open(f"{out}/_spark_metadata/0") as file:
        version, line = file.read().split("\n")
    entry = json.loads(line)
    assert version == "v1"
    assert list(entry) == [
        "path",
        "size",
        "isDir",
        "modificationTime",
        "blockReplication",
        "blockSize",
        "action",
    ]
    assert entry["size"] == os.path.getsize(logged(context, out)[0])


def test_a_repeated_batch_changes_nothing_even_after_a_restart(context, out):
    file_sink(context, out).add_batch(0, rows(1))
    before = logged(context, out)
    file_sink(context, out).add_batch(0, rows(1))
    assert logged(context, out) == before


def test_an_attempt_that_did_not_reach_the_log_is_overwritten(context, out):
    file_sink(context, out).add_batch(0, rows(1))
    os.remove(f"{out}/_spark_metadata/0")
    file_sink(context, out).add_batch(0, rows(1, 2))
    [path] = logged(context, out)
    assert [name for name in os.listdir(out) if name.endswith(".parquet")] == [os.path.basename(path)]
    assert pq.read_table(path).num_rows == 2


def test_partition_columns_become_folders(context, out):
    sink = file_sink(context, out, partition_by=("NAME",))
    sink.add_batch(0, rows(0, 1, 2, 3))
    found = {
        os.path.relpath(path, out).split("/")[0]: pq.ParquetFile(path).read() for path in logged(context, out)
    }
    assert {folder: table["id"].to_pylist() for folder, table in found.items()} == {
        "name=n0": [2],
        "name=n1": [1, 3],
        "name=__HIVE_DEFAULT_PARTITION__": [0],
    }
    assert found["name=n0"].column_names == ["id"]
    assert all(".c000.snappy.parquet" in path for path in logged(context, out))


def test_folder_names_are_escaped(context, out):
    schema = StructType().add("id", LongType()).add("a=b", StringType()).add("day", DateType())
    context = dataclasses.replace(context, schema=schema)
    table = pa.table({"id": [1], "a=b": ["x/y:z é"], "day": pa.array([19_000], pa.int32()).cast(pa.date32())})
    file_sink(context, out, partition_by=("a=b", "day")).add_batch(0, table)
    assert os.path.exists(f"{out}/a%3Db=x%2Fy%3Az é/day=2022-01-08")


def test_an_empty_answer_still_has_columns(context, out):
    sink = file_sink(context, out)
    sink.add_batch(0, rows())
    sink.add_batch(1, rows())
    [path] = logged(context, out)
    assert pq.read_table(path).column_names == ["id", "name"]


def test_a_log_of_many_batches_is_compacted(context, out):
    sink = file_sink(context, out)
    for batch_id in range(12):
        sink.add_batch(batch_id, rows(batch_id))
    assert "9.compact" in os.listdir(f"{out}/_spark_metadata")
    assert len(logged(context, out)) == 12


def test_text_formats_and_their_options(context, out):
    file_sink(context, out, "csv", header="true").add_batch(0, rows(0, 1))
    with open(logged(context, out)[0]) as file:
        assert file.read() == "id,name\n0,\n1,n1\n"


def test_only_append_is_accepted(context, out):
    with pytest.raises(AnalysisException) as refused:
        check_output_mode(SinkOptions("parquet", "complete", path=out), FileSink)
    assert refused.value.condition == "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE"


def test_mistakes_are_named_in_sparks_words(context, out):
    with pytest.raises(IllegalArgumentException, match=r"^'path' is not specified\.$"):
        file_sink(context, None)
    with pytest.raises(
        AnalysisException, match=r"^Partition column zz not found in existing columns \(id, name\)\.$"
    ):
        file_sink(context, out, partition_by=("zz",))
    with pytest.raises(AnalysisException, match="Cannot use all columns for partition columns"):
        file_sink(context, out, partition_by=("id", "name"))
    with pytest.raises(AnalysisException, match="The Text datasource doesn't support the column `id`"):
        file_sink(context, out, "text")

"""toTable makes the table if it is not there, and its rows are read by name, by path and as a stream."""

import dataclasses
import os

import pyarrow as pa
import pytest

from cauce.conf import Conf
from cauce.errors import AnalysisException
from cauce.streaming.sinks import SinkOptions, sink_class
from cauce.streaming.sources import SourceContext, SourceOptions
from cauce.streaming.sources.table import TableSource

ROWS = pa.table({"id": [1, 2], "name": ["Ana", "日本"]})


@pytest.fixture
def context(context, tmp_path):
    return dataclasses.replace(context, conf=Conf({"spark.sql.warehouse.dir": str(tmp_path / "warehouse")}))


def table_sink(context, name="people", format="", partition_by=()):
    options = SinkOptions(format, "append", table_name=name, partition_by=partition_by)
    return sink_class(options, context.data_sources)(options, context)


def test_a_new_table_is_a_folder_of_the_warehouse(context, session, tmp_path):
    sink = table_sink(context)
    sink.add_batch(0, ROWS)
    assert sink.description() == f"FileSink[file:{tmp_path}/warehouse/people]"
    assert session.engine.sql("SELECT * FROM people ORDER BY id").to_pylist() == ROWS.to_pylist()


def test_a_partitioned_table(context, session, tmp_path):
    table_sink(context, partition_by=("name",)).add_batch(0, ROWS)
    assert os.path.isdir(f"{tmp_path}/warehouse/people/name=Ana")
    found = session.engine.sql("SELECT id FROM people WHERE name = '日本'")
    assert found["id"].to_pylist() == [2]


def test_a_table_that_is_there_is_written_where_it_is(context, session, tmp_path):
    session.engine.sql(f"CREATE TABLE mine (id BIGINT, name STRING) USING json LOCATION '{tmp_path}/mine'")
    sink = table_sink(context, "mine", "json")
    sink.add_batch(0, ROWS)
    assert sink.description() == f"FileSink[file:{tmp_path}/mine]"
    with pytest.raises(AnalysisException) as refused:
        table_sink(context, "mine", "csv")
    assert str(refused.value) == (
        "The input source(csv) is different from the table mine's data source provider(json)."
    )


def test_views_are_no_targets(context, session):
    session.engine.sql("CREATE TEMPORARY VIEW v AS SELECT 1 AS id")
    with pytest.raises(AnalysisException, match=r"^Temporary view v doesn't support streaming write\.$"):
        table_sink(context, "v")


def test_a_stream_reads_the_table(context, tmp_path):
    table_sink(context, partition_by=("name",)).add_batch(0, ROWS)
    source_context = SourceContext(
        context.clock, context.conf, context.file_system, str(tmp_path / "sources"), context.engine
    )
    source = TableSource(SourceOptions("table", paths=("people",)), source_context)
    assert source.schema.simpleString() == "struct<id:bigint,name:string>"
    assert source.description() == f"FileStreamSource[file:{tmp_path}/warehouse/people]"
    end = source.latest_offset(None, source.default_limit())
    rows = context.engine.run(source.read(None, end)).to_pylist()
    assert sorted(rows, key=lambda row: row["id"]) == ROWS.to_pylist()
    with pytest.raises(AnalysisException, match="The table or view `nowhere` cannot be found"):
        TableSource(SourceOptions("table", paths=("nowhere",)), source_context)

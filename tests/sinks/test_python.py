"""Streaming sinks written in Python: write once, then commit or abort with the batch id."""

# ruff: noqa: N802, N803 - the names are PySpark's.

import dataclasses
from dataclasses import dataclass

import pyarrow as pa
import pytest
from pyspark.sql.datasource import (
    DataSource,
    DataSourceStreamArrowWriter,
    DataSourceStreamWriter,
    WriterCommitMessage,
)

from cauce.errors import AnalysisException, PythonException, SparkError
from cauce.streaming.sinks import SinkOptions, check_output_mode, sink_class

ROWS = pa.table({"id": [1, None], "name": ["Ana", "日本"]})
log: list = []


@dataclass
class Written(WriterCommitMessage):
    rows: list


class Writer(DataSourceStreamWriter):
    def __init__(self, options, overwrite):
        self.options = options
        self.overwrite = overwrite

    def write(self, iterator):
        if self.options.get("fail"):
            raise ValueError("disk full")
        self.private = True
        return Written([tuple(row) for row in iterator])

    def commit(self, messages, batchId):
        log.append(("commit", batchId, messages[0].rows, self.overwrite, hasattr(self, "private")))

    def abort(self, messages, batchId):
        log.append(("abort", batchId, messages))


class Mine(DataSource):
    @classmethod
    def name(cls):
        return "mine"

    def streamWriter(self, schema, overwrite):
        return Writer(self.options, overwrite)


class ArrowWriter(DataSourceStreamArrowWriter):
    def write(self, iterator):
        return Written([batch.num_rows for batch in iterator])

    def commit(self, messages, batchId):
        log.append(("commit", batchId, messages[0].rows))


class ArrowMine(Mine):
    def streamWriter(self, schema, overwrite):
        return ArrowWriter()


@pytest.fixture(autouse=True)
def no_log():
    log.clear()


def start_sink(context, data_source=Mine, output_mode="append", **options):
    context = dataclasses.replace(context, data_sources={"Mine": data_source})
    options = SinkOptions("mine", output_mode, options=options)
    kind = sink_class(options, context.data_sources)
    check_output_mode(options, kind)
    return kind(options, context)


def test_rows_are_written_then_committed_by_another_writer(context):
    sink = start_sink(context)
    assert sink.add_batch(4, ROWS) == 2
    assert log == [("commit", 4, [(1, "Ana"), (None, "日本")], False, False)]
    assert sink.description() == "mine(Python)"


def test_complete_mode_overwrites_and_update_mode_is_refused(context):
    start_sink(context, output_mode="complete").add_batch(0, ROWS)
    assert log[0][3] is True
    with pytest.raises(AnalysisException, match="Invalid streaming output mode: update"):
        start_sink(context, output_mode="update")


def test_arrow_batches(context):
    start_sink(context, ArrowMine).add_batch(1, ROWS)
    assert log == [("commit", 1, [2])]


def test_a_failed_write_is_aborted(context):
    with pytest.raises(PythonException, match="(?s)Traceback.*ValueError: disk full"):
        start_sink(context, FAIL="yes").add_batch(2, ROWS)
    assert log == [("abort", 2, [None])]


def test_a_data_source_that_only_reads(context):
    class ReadOnly(Mine):
        def streamWriter(self, schema, overwrite):
            return super(Mine, self).streamWriter(schema, overwrite)

    with pytest.raises(
        AnalysisException, match=r"(?s)Failed to plan Python data source mine:.*NOT_IMPLEMENTED"
    ):
        start_sink(context, ReadOnly)


def test_formats_nobody_knows_and_formats_that_do_not_stream(context):
    with pytest.raises(SparkError) as unknown:
        sink_class(SinkOptions("nope", "append"), {})
    assert unknown.value.condition == "DATA_SOURCE_NOT_FOUND"
    with pytest.raises(SparkError, match=r"^Data source rate does not support streamed writing\.$"):
        sink_class(SinkOptions("rate", "append"), {})

"""foreach runs the user's own code for every row, as PySpark sends it."""

import pyarrow as pa
import pytest
from pyspark.sql.streaming.readwriter import DataStreamWriter

from cauce.errors import PythonException
from cauce.streaming.sinks import SinkOptions
from cauce.streaming.sinks.foreach import ForeachSink

ROWS = pa.table({"id": [1, None], "name": ["Ana", "日本"]})
calls: list[tuple] = []


class Writer:
    """A ForeachWriter that notes how it is used; `accepts` is what open() answers."""

    def __init__(self, accepts=True, fails_on=-1):
        self.accepts = accepts
        self.fails_on = fails_on
        self.seen = 0

    def open(self, partition_id, epoch_id):
        calls.append(("open", partition_id, epoch_id))
        return self.accepts

    def process(self, row):
        self.seen += 1
        calls.append(("process", row.id, row["name"], self.seen))
        if row.id == self.fails_on:
            raise ValueError("no")

    def close(self, error):
        calls.append(("close", error and str(error)))


def note(row):
    calls.append(tuple(row))


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


def foreach(context, written):
    function = DataStreamWriter._construct_foreach_function(written)
    return ForeachSink(SinkOptions("foreach", "append", function=function), context)


def test_a_function_gets_every_row(context):
    assert foreach(context, note).add_batch(0, ROWS) == 2
    assert calls == [(1, "Ana"), (None, "日本")]


def test_a_writer_is_opened_given_rows_and_closed(context):
    foreach(context, Writer()).add_batch(7, ROWS)
    assert calls == [
        ("open", 0, 7),
        ("process", 1, "Ana", 1),
        ("process", None, "日本", 2),
        ("close", None),
    ]


def test_open_may_decline_the_batch(context):
    foreach(context, Writer(accepts=False)).add_batch(0, ROWS)
    assert calls == [("open", 0, 0), ("close", None)]


def test_every_batch_has_its_own_copy_of_the_writer(context):
    sink = foreach(context, Writer())
    sink.add_batch(0, ROWS.slice(0, 1))
    sink.add_batch(1, ROWS.slice(0, 1))
    assert [call for call in calls if call[0] == "process"] == [("process", 1, "Ana", 1)] * 2


def test_an_error_reaches_close_and_the_query(context):
    with pytest.raises(PythonException, match=r"(?s)Python worker: Traceback.*ValueError: no") as failed:
        foreach(context, Writer(fails_on=1)).add_batch(0, ROWS)
    assert failed.value.condition == "PYTHON_EXCEPTION"
    assert calls[-1] == ("close", "no")

"""The memory sink is a table named after its query."""

import pyarrow as pa
import pytest

from cauce.errors import AnalysisException
from cauce.streaming.sinks import SinkOptions, recovers_from_checkpoint
from cauce.streaming.sinks.memory import MemorySink


def rows(*ids):
    return pa.table({"id": pa.array(ids, pa.int64()), "name": [f"n{i}" for i in ids]})


def memory(context, output_mode="append", name="answers"):
    return MemorySink(SinkOptions("memory", output_mode, query_name=name), context)


def ids(session, table="answers"):
    return session.engine.sql(f"SELECT id FROM {table}")["id"].to_pylist()


def test_batches_append_and_are_visible_at_once(context, session):
    sink = memory(context)
    assert ids(session) == []
    sink.add_batch(0, rows(1, 2))
    assert ids(session) == [1, 2]
    sink.add_batch(1, rows(3))
    assert ids(session) == [1, 2, 3]


def test_a_repeated_batch_changes_nothing(context, session):
    sink = memory(context)
    sink.add_batch(0, rows(1))
    sink.add_batch(1, rows(2))
    sink.add_batch(1, rows(2))
    assert ids(session) == [1, 2]


def test_complete_mode_keeps_the_last_batch(context, session):
    sink = memory(context, "complete")
    sink.add_batch(0, rows(1))
    sink.add_batch(1, rows(1, 2))
    assert ids(session) == [1, 2]


def test_the_table_can_be_joined_and_outlives_the_query(context, session):
    sink = memory(context)
    sink.add_batch(0, rows(1, 2))
    sink.stop()
    joined = session.engine.sql("SELECT b.name FROM answers a JOIN answers b ON a.id + 1 = b.id")
    assert joined["name"].to_pylist() == ["n2"]


def test_a_new_query_of_the_same_name_takes_the_table_over(context, session):
    memory(context).add_batch(0, rows(1))
    memory(context).add_batch(0, rows(9))
    assert ids(session) == [9]


def test_a_query_without_a_name_is_refused(context):
    with pytest.raises(AnalysisException, match=r"^queryName must be specified for memory sink\.$"):
        memory(context, name=None)


def test_only_complete_mode_recovers_from_a_checkpoint():
    assert recovers_from_checkpoint(SinkOptions("memory", "complete"))
    assert not recovers_from_checkpoint(SinkOptions("memory", "append"))

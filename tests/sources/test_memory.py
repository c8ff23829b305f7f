"""Rows added from Python are read by offset, once each."""

import pyarrow as pa
import pytest
from pyspark.sql import Row
from pyspark.sql.types import IntegerType, LongType, StringType, StructType

from cauce.errors import AnalysisException, IllegalStateException
from cauce.streaming.sources import MemoryStream, ReadLimit, SourceOptions
from cauce.streaming.sources.memory import MemorySource

NUMBERS = StructType().add("value", LongType())
PEOPLE = StructType().add("id", IntegerType()).add("name", StringType())
ALL = ReadLimit()


def start_source(context, name):
    return MemorySource(SourceOptions("memory", options={"name": name}), context)


def test_each_call_of_add_data_is_one_offset(context):
    stream = MemoryStream("numbers", NUMBERS)
    source = start_source(context, "numbers")
    assert source.latest_offset(None, ALL) is None
    assert stream.add_data([1, 2]) == 0
    assert stream.add_data([3]) == 1
    assert source.latest_offset(-1, ALL) == 1
    assert source.read(None, 1)["value"].to_pylist() == [1, 2, 3]
    assert source.read(0, 1)["value"].to_pylist() == [3]


def test_rows_may_be_tuples_dicts_rows_and_arrow(context):
    stream = MemoryStream("people", PEOPLE)
    stream.add_data([(1, "Ana"), {"id": 2, "name": None}, Row(id=3, name="日本")])
    stream.add_data(pa.table({"id": pa.array([4], pa.int32()), "name": ["Öl"]}))
    rows = start_source(context, "people").read(-1, 1)
    assert rows["name"].to_pylist() == ["Ana", None, "日本", "Öl"]
    assert rows["id"].type == pa.int32()


def test_committed_rows_are_forgotten_and_asking_again_says_so(context):
    stream = MemoryStream("numbers", NUMBERS)
    source = start_source(context, "numbers")
    stream.add_data([1])
    stream.add_data([2])
    source.commit(0)
    assert source.read(0, 1)["value"].to_pylist() == [2]
    with pytest.raises(IllegalStateException, match=r"holds the offsets \(0, 1\], not \(-1, 1\]"):
        source.read(-1, 1)


def test_a_restarted_query_finds_the_stream_by_name(context):
    MemoryStream("numbers", NUMBERS).add_data([1])
    assert start_source(context, "numbers").read(-1, 0)["value"].to_pylist() == [1]


def test_available_now_freezes_the_end(context):
    stream = MemoryStream("numbers", NUMBERS)
    stream.add_data([1])
    source = start_source(context, "numbers")
    source.prepare_for_trigger_available_now()
    stream.add_data([2])
    assert source.latest_offset(-1, ALL) == 0


def test_an_unknown_stream_is_named_in_the_error(context):
    with pytest.raises(AnalysisException, match="No memory stream is called 'nowhere'"):
        start_source(context, "nowhere")

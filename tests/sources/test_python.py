"""Streaming data sources written in Python, in all the shapes PySpark has had."""

# ruff: noqa: N802 - the names are PySpark's.

import dataclasses

import pyarrow as pa
import pytest
from pyspark.sql import Row
from pyspark.sql.datasource import (
    DataSource,
    DataSourceStreamReader,
    InputPartition,
    SimpleDataSourceStreamReader,
)
from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadMaxRows, SupportsTriggerAvailableNow
from pyspark.sql.types import LongType, StringType, StructType

from cauce.errors import AnalysisException, SparkError
from cauce.streaming.sources import ReadLimit, SourceOptions, source_class

AVAILABLE = 10
ALL = ReadLimit()
log: list = []


class Reader(DataSourceStreamReader):
    """Numbers below AVAILABLE, two partitions a batch, with admission control."""

    def __init__(self, options):
        self.limit = options.get("rows")

    def initialOffset(self):
        return {"next": 0}

    def getDefaultReadLimit(self):
        return ReadMaxRows(int(self.limit)) if self.limit else ReadAllAvailable()

    def latestOffset(self, start, limit):
        rows = limit.max_rows if isinstance(limit, ReadMaxRows) else AVAILABLE
        return {"next": min(start["next"] + rows, AVAILABLE)}

    def reportLatestOffset(self):
        return {"next": AVAILABLE}

    def partitions(self, start, end):
        middle = (start["next"] + end["next"]) // 2
        return [InputPartition((start["next"], middle)), InputPartition((middle, end["next"]))]

    def read(self, partition):
        for number in range(*partition.value):
            yield (number, f"n{number}")

    def commit(self, end):
        log.append(("commit", end))

    def stop(self):
        log.append(("stop",))


class Numbers(DataSource):
    @classmethod
    def name(cls):
        return "numbers"

    def schema(self):
        return "id BIGINT, name STRING"

    def streamReader(self, schema):
        return Reader(self.options)


class OldReader(Reader):
    """As in Spark 4.0: latestOffset() without arguments; rows as Row objects in any order of names."""

    def latestOffset(self):
        return {"next": AVAILABLE}

    def read(self, partition):
        for number in range(*partition.value):
            yield Row(name=None, id=number)


class OldNumbers(Numbers):
    def streamReader(self, schema):
        return OldReader(self.options)


class ArrowReader(Reader):
    def read(self, partition):
        numbers = list(range(*partition.value))
        names = [str(number) for number in numbers]
        yield pa.RecordBatch.from_pydict({"id": pa.array(numbers, pa.int64()), "name": names})


class ArrowNumbers(Numbers):
    def streamReader(self, schema):
        return ArrowReader(self.options)


class SimpleReader(SimpleDataSourceStreamReader):
    """Two more numbers at every read."""

    def initialOffset(self):
        return {"next": 0}

    def read(self, start):
        log.append(("read", start))
        first = start["next"]
        return iter([(first, "a"), (first + 1, None)]), {"next": first + 2}

    def readBetweenOffsets(self, start, end):
        log.append(("replay", start, end))
        return iter((number, "again") for number in range(start["next"], end["next"]))


class SimpleNumbers(Numbers):
    def streamReader(self, schema):
        return super(Numbers, self).streamReader(schema)

    def simpleStreamReader(self, schema):
        return SimpleReader()


class BoundedReader(Reader, SupportsTriggerAvailableNow):
    def prepareForTriggerAvailableNow(self):
        log.append(("prepare",))


class BoundedNumbers(Numbers):
    def streamReader(self, schema):
        return BoundedReader(self.options)


class Broken(Numbers):
    def streamReader(self, schema):
        raise ValueError("no password given")


@pytest.fixture(autouse=True)
def no_log():
    log.clear()


def start_source(context, data_source, schema=None, **options):
    context = dataclasses.replace(context, data_sources={"numbers": data_source})
    options = SourceOptions("Numbers", schema, options=options)
    return source_class(options, context)(options, context)


def ids(table):
    return table["id"].to_pylist()


def test_a_reader_with_partitions_and_limits(context):
    source = start_source(context, Numbers, rows="4")
    assert source.schema == StructType().add("id", LongType()).add("name", StringType())
    assert source.default_limit() == ReadLimit(rows_max=4)
    start = source.initial_offset()
    end = source.latest_offset(start, source.default_limit())
    assert (start, end) == ({"next": 0}, {"next": 4})
    assert source.read(None, end).to_pylist()[3] == {"id": 3, "name": "n3"}
    assert source.latest_offset(end, ALL) == source.report_latest_offset() == {"next": 10}
    source.commit(end)
    source.stop()
    assert log == [("commit", {"next": 4}), ("stop",)]


def test_readers_from_before_limits_were_invented(context):
    source = start_source(context, OldNumbers)
    assert source.default_limit() == ReadLimit()
    end = source.latest_offset(None, ALL)
    assert source.read({"next": 7}, end).to_pylist() == [{"id": i, "name": None} for i in (7, 8, 9)]


def test_a_reader_of_arrow_batches(context):
    source = start_source(context, ArrowNumbers)
    assert ids(source.read({"next": 2}, {"next": 6})) == [2, 3, 4, 5]


def test_a_simple_readers_rows_are_read_once_and_replayed_after_a_restart(context):
    source = start_source(context, SimpleNumbers)
    first = source.latest_offset(None, ALL)
    second = source.latest_offset(first, ALL)
    assert ids(source.read(None, second)) == [0, 1, 2, 3]
    source.commit(first)
    assert log == [("read", {"next": 0}), ("read", {"next": 2})]
    restarted = start_source(context, SimpleNumbers)
    assert ids(restarted.read(first, second)) == [2, 3]
    assert log[-1] == ("replay", first, second)


def test_available_now_ends_with_or_without_the_readers_help(context):
    source = start_source(context, BoundedNumbers, rows="4")
    source.prepare_for_trigger_available_now()
    assert log == [("prepare",)]
    simple = start_source(context, SimpleNumbers)
    simple.prepare_for_trigger_available_now()
    end = simple.latest_offset(None, ALL)
    assert simple.latest_offset(end, ALL) == end == {"next": 2}


def test_offsets_are_spelled_as_python_spells_them(context):
    source = start_source(context, Numbers)
    assert source.offset_json({"next": 1, "who": "é"}) == '{"next": 1, "who": "\\u00e9"}'
    assert source.parse_offset('{"next": 1}') == {"next": 1}


def test_a_schema_of_the_users_is_passed_on(context):
    narrow = StructType().add("id", LongType())
    assert start_source(context, Numbers, narrow).schema == narrow


def test_the_users_errors_carry_their_traceback(context):
    with pytest.raises(SparkError, match=r"(?s)action|create.*ValueError: no password given"):
        start_source(context, Broken)
    narrow = start_source(context, Numbers, StructType().add("id", LongType()))
    with pytest.raises(SparkError, match="(?s)perform read: Traceback.*DATA_SOURCE_RETURN_SCHEMA_MISMATCH"):
        narrow.read({"next": 0}, {"next": 2})


def test_formats_nobody_knows_and_formats_that_do_not_stream(context):
    with pytest.raises(SparkError) as unknown:
        source_class(SourceOptions("nope"), context)
    assert unknown.value.condition == "DATA_SOURCE_NOT_FOUND"
    with pytest.raises(SparkError, match=r"^Data source jdbc does not support streamed reading\.$"):
        source_class(SourceOptions("jdbc"), context)


def test_a_constructor_that_fails(context):
    class Unusable(Numbers):
        def schema(self):
            raise KeyError("table")

    with pytest.raises(
        AnalysisException, match=r"(?s)Failed to create Python data source numbers:.*KeyError"
    ):
        start_source(context, Unusable)

"""What every sink does, wherever it writes: all types, nulls, empty batches, repeated batches, modes."""

import dataclasses
import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pytest
from pyspark.sql.conversion import LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.clock import ManualClock
from cauce.conf import Conf
from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.files import LocalFileSystem
from cauce.streaming.sinks import SINKS, SinkContext, check_output_mode, sink_class
from tests.conformance.sink_cases import CASES, PythonData, lines_table, records_table

SCHEMA = (
    StructType()
    .add("s", StringType())
    .add("b", BooleanType())
    .add("y", ByteType())
    .add("i", IntegerType())
    .add("l", LongType())
    .add("d", DoubleType())
    .add("dec", DecimalType(20, 4))
    .add("day", DateType())
    .add("ts", TimestampType())
    .add("ntz", TimestampNTZType())
    .add("bin", BinaryType())
    .add("arr", ArrayType(StringType()))
    .add("st", StructType().add("x", IntegerType()).add("y", StringType()))
    .add("m", MapType(StringType(), IntegerType()))
)
MOMENT = dt.datetime(2024, 2, 29, 12, 30, 45, 123000, tzinfo=dt.UTC)
FULL = (
    *("日本 😀", True, -7, 1, 2**60, 1.5, Decimal("12.3400"), dt.date(2024, 2, 29), MOMENT),
    *(MOMENT.replace(tzinfo=None), b"\x00ab", ["a", None], (1, "q"), {"k": 1}),
)
ROWS = [FULL, (None,) * len(FULL), ("", *FULL[1:])]


def all_types():
    return LocalDataToArrowConversion.convert(ROWS, SCHEMA, False).cast(
        to_arrow_schema(SCHEMA, timezone="UTC")
    )


class Bench:
    """One case, and a started sink."""

    def __init__(self, name, env):
        self.case = CASES[name](env)
        self.context = SinkContext(
            clock=ManualClock(),
            conf=Conf({"spark.sql.warehouse.dir": f"{env.tmp_path}/warehouse"}),
            file_system=LocalFileSystem(),
            engine=env.session.engine,
            session=env.session,
            query_id="11111111-2222-3333-4444-555555555555",
            schema=self.case.schema,
            emit=env.printed.append,
            data_sources={"my-sink": PythonData},
        )

    def start(self):
        return sink_class(self.case.options, self.context.data_sources)(self.case.options, self.context)

    def table(self):
        """Three rows: of all types the sink takes, of nulls, and with an empty string."""
        if self.case.schema.names == ["value"]:
            return lines_table(["日本 😀", "b", "c"])
        if "topic" in self.case.schema.names:
            return records_table([("日本 😀", b"\x00ab"), (None, None), ("", b"")])
        return all_types().select(self.case.schema.names)


@pytest.fixture
def bench(request, tmp_path, spark, server):
    spark.conf.get("spark.sql.session.timeZone")  # A session begins with its first request.
    [session] = [each for each in server.sessions.sessions() if each.session_id == spark.session_id]
    env = SimpleNamespace(tmp_path=tmp_path, session=session, schema=SCHEMA, printed=[], finalizers=[])
    yield Bench(request.param, env)
    for finalizer in reversed(env.finalizers):
        finalizer()


every_sink = pytest.mark.parametrize("bench", sorted(CASES), indirect=True)


def test_every_registered_sink_is_here():
    assert set(SINKS) <= set(CASES)


def comparable(rows):
    """Maps as dictionaries and moments without their zone's name, whoever read them."""
    return [{name: _comparable(value) for name, value in row.items()} for row in rows]


def _comparable(value):
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return dict(value)
    return bytes(value) if isinstance(value, bytearray) else value


@every_sink
def test_rows_of_all_types_and_nulls_arrive(bench):
    sink = bench.start()
    written = sink.add_batch(0, bench.table())
    assert written in (3, None)
    answer = bench.case.answer()
    if bench.case.options.format != "noop":
        assert len(answer) == 3
    if bench.case.keeps_types:
        expected = comparable(bench.table().to_pylist())
        assert sorted(comparable(answer), key=str) == sorted(expected, key=str)


@every_sink
def test_batches_add_up(bench):
    sink = bench.start()
    for batch_id in range(3):
        sink.add_batch(batch_id, bench.table())
    if bench.case.options.format != "noop":
        assert len(bench.case.answer()) == 9


@every_sink
def test_an_empty_batch_adds_no_rows(bench):
    sink = bench.start()
    sink.add_batch(0, bench.table().slice(0, 0))
    assert bench.case.answer() == []
    sink.add_batch(1, bench.table())
    sink.add_batch(2, bench.table().slice(0, 0))
    if bench.case.options.format != "noop":
        assert len(bench.case.answer()) == 3


@every_sink
def test_a_repeated_batch_changes_nothing(bench):
    sink = bench.start()
    sink.add_batch(0, bench.table())
    sink.add_batch(1, bench.table())
    before = comparable(bench.case.answer())
    sink.add_batch(1, bench.table())
    if not bench.case.repeats_are_ignored:
        pytest.skip("whether a repeated batch changes anything is up to whom it is handed to")
    assert comparable(bench.case.answer()) == before


@every_sink
def test_a_batch_may_come_in_chunks_and_other_spellings_of_its_types(bench):
    table = bench.table()
    name = table.column_names[0]
    large = table.set_column(0, name, table[name].cast(pa.large_string()))
    bench.start().add_batch(0, pa.concat_tables([large.slice(0, 1), large.slice(1)]))
    if bench.case.options.format != "noop":
        assert len(bench.case.answer()) == 3


@every_sink
@pytest.mark.parametrize("mode", ["append", "update", "complete", "sideways"])
def test_modes_are_accepted_or_refused_in_sparks_words(bench, mode):
    options = dataclasses.replace(bench.case.options, output_mode=mode)
    kind = sink_class(options, bench.context.data_sources)
    if mode in kind.output_modes:
        check_output_mode(options, kind)
        return
    refused_as = IllegalArgumentException if mode == "sideways" else AnalysisException
    with pytest.raises(
        refused_as, match=rf"\[STREAMING_OUTPUT_MODE\.\w+\] Invalid streaming output mode: {mode}"
    ):
        check_output_mode(options, kind)


@every_sink
def test_a_sink_says_what_it_is_and_stops(bench):
    sink = bench.start()
    assert sink.description()
    sink.stop()

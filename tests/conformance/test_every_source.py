"""What every source does, whatever it reads: offsets, limits, replay, restart, a frozen end."""

import dataclasses
import time
from types import SimpleNamespace

import pyarrow as pa
import pytest

from cauce.conf import Conf
from cauce.files import LocalFileSystem
from cauce.streaming.sources import SOURCES, ReadLimit, SourceContext, source_class
from tests.conformance.source_cases import CASES, NAMES

ALL = ReadLimit()
DELIVERY_S_MAX = 5.0


class Bench:
    """One case, and the verbs of a query around its source."""

    def __init__(self, name, env):
        self.env = env
        self.case = CASES[name](env)
        self.context = SourceContext(
            clock=env.clock,
            conf=Conf({}),
            file_system=LocalFileSystem(),
            metadata_path=f"{env.tmp_path}/checkpoint/sources/0",
            engine=env.engine,
            data_sources=self.case.data_sources,
        )

    def start(self, **options):
        chosen = dataclasses.replace(self.case.options, options={**self.case.options.options, **options})
        source = source_class(chosen, self.context)(chosen, self.context)
        self.env.finalizers.append(source.stop)
        return source

    def after(self, source, start, limit=ALL):
        """The latest offset, once there is one after `start`; only a socket needs waiting for."""
        deadline = time.monotonic() + DELIVERY_S_MAX
        begin = source.initial_offset() if start is None else start
        while (end := source.latest_offset(start, limit)) in (None, begin) and time.monotonic() < deadline:
            time.sleep(0.001)
        return end

    def rows(self, source, start, end):
        rows = source.read(start, end)
        table = rows if isinstance(rows, pa.Table) else self.env.engine.run(rows)
        assert table.column_names == source.schema.names
        return sorted(table.to_pylist(), key=str)


@pytest.fixture
def bench(request, tmp_path, engine_session, clock):
    env = SimpleNamespace(tmp_path=tmp_path, engine=engine_session, clock=clock, finalizers=[])
    yield Bench(request.param, env)
    for finalizer in reversed(env.finalizers):
        finalizer()


every_source = pytest.mark.parametrize("bench", sorted(CASES), indirect=True)


def test_every_registered_source_is_here():
    assert set(SOURCES) <= set(CASES)


@every_source
def test_before_any_data_there_is_nothing_to_read(bench):
    source = bench.start()
    start, latest = source.initial_offset(), source.latest_offset(None, ALL)
    if bench.case.one_batch_at_a_time:
        assert latest != start
    else:
        assert latest is None or latest == start


@every_source
def test_what_arrives_is_read_once(bench):
    source = bench.start()
    bench.case.feed()
    first = bench.after(source, None)
    assert len(bench.rows(source, None, first)) == bench.case.rows
    source.commit(first)
    bench.case.feed()
    second = bench.after(source, first)
    assert len(bench.rows(source, first, second)) == bench.case.rows
    if not bench.case.one_batch_at_a_time:
        assert source.latest_offset(second, ALL) == second


@every_source
def test_a_range_read_again_gives_the_same_rows(bench):
    source = bench.start()
    bench.case.feed()
    end = bench.after(source, None)
    assert bench.rows(source, None, end) == bench.rows(source, None, end)


@every_source
def test_an_empty_range_has_columns_and_no_rows(bench):
    source = bench.start()
    bench.case.feed()
    end = bench.after(source, None)
    assert bench.rows(source, end, end) == []


@every_source
def test_offsets_survive_being_written_down(bench):
    source = bench.start()
    bench.case.feed()
    end = bench.after(source, None)
    text = source.offset_json(end)
    assert "\n" not in text
    assert source.parse_offset(text) == end
    assert bench.rows(source, None, source.parse_offset(text)) == bench.rows(source, None, end)


@every_source
def test_a_source_rebuilt_from_its_checkpoint_gives_the_same_batch_and_goes_on(bench):
    source = bench.start()
    bench.case.feed()
    end = bench.after(source, None)
    before = bench.rows(source, None, end)
    source.stop()
    rebuilt = bench.start()
    if not bench.case.replays_after_restart:
        pytest.skip("lines that were read from a socket are gone")
    assert bench.rows(rebuilt, None, end) == before
    bench.case.feed()
    following = bench.after(rebuilt, end)
    assert len(bench.rows(rebuilt, end, following)) == bench.case.rows


@every_source
def test_available_now_freezes_the_end(bench):
    source = bench.start()
    bench.case.feed()
    bench.after(source, None)
    source = bench.start() if bench.case.replays_after_restart else source
    source.prepare_for_trigger_available_now()
    end = source.latest_offset(None, ALL)
    bench.case.feed()
    assert source.latest_offset(end, ALL) == end


@every_source
def test_limits_make_smaller_batches(bench):
    if not bench.case.limit:
        pytest.skip("has no limits")
    source = bench.start(**bench.case.limit)
    bench.case.feed()
    bench.case.feed()
    first = source.latest_offset(None, source.default_limit())
    second = source.latest_offset(first, source.default_limit())
    assert [len(bench.rows(source, start, end)) for start, end in ((None, first), (first, second))] == [
        bench.case.rows,
        bench.case.rows,
    ]
    assert source.latest_offset(second, source.default_limit()) == second


@every_source
def test_text_of_any_language_and_nulls_come_through(bench):
    source = bench.start()
    bench.case.feed()
    rows = bench.rows(source, None, bench.after(source, None))
    texts = [_text(row.get("name", row.get("value"))) for row in rows]
    if bench.case.options.format.startswith("rate"):
        pytest.skip("has no text")
    keeps_nulls = "name" in rows[0] or "key" in rows[0]
    expected = NAMES if keeps_nulls else [name or "" for name in NAMES]
    assert sorted(texts, key=str) == sorted(expected, key=str)


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


@every_source
def test_the_schema_is_known_without_a_checkpoint(bench):
    kind = source_class(bench.case.options, bench.context)
    described = kind.describe_schema(bench.case.options, bench.context)
    assert described == bench.start().schema


@every_source
def test_a_source_says_what_it_is(bench):
    source = bench.start()
    assert source.description()
    assert source.metrics(None) == {}

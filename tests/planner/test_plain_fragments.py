"""What Arrow computes without the engine is what the engine would have computed; the rest is the engine's."""

import uuid
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyspark.sql.connect.proto import Relation
from pyspark.sql.pandas.types import to_arrow_schema

from cauce.engine import Engine, EngineSession, input_leaf
from cauce.plan.build import alias, attribute, call, filter_by, integer, long, project, star, string
from cauce.plan.epoch_times import localize_epoch_times
from cauce.plan.windows import rewrite_windows
from cauce.streaming.planner.plain_fragment import PlainFragment, plain_fragment

LEAF = input_leaf("input0")
US_MAX = 2**63 - 1
MOMENTS_US = [
    0,
    1,
    -1,
    5_000_000,
    4_999_999,
    -5_000_000,
    1_700_000_000_123_456,
    None,
    -62_000_000_000_123_456,
]


@pytest.fixture(scope="module")
def engines() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()


@pytest.fixture(params=["UTC", "America/New_York"])
def session(engines: Engine, request: pytest.FixtureRequest) -> EngineSession:
    session = engines.session("tests", str(uuid.uuid4()))
    session.config_set({"spark.sql.session.timeZone": request.param})
    return session


def events(session: EngineSession, moments_us: list[int | None] = MOMENTS_US) -> pa.Table:
    count = len(moments_us)
    times = pa.array(moments_us, pa.int64()).view(pa.timestamp("us", session.time_zone))
    names = pa.array([None if i % 3 == 0 else f"ñ{i}" for i in range(count)], pa.string())
    return pa.table({"at": times, "Key": pa.array(range(count), pa.int64()), "name": names})


def windows(length: str, slide: str | None = None, start: str | None = None) -> Relation:
    durations = [string(text) for text in (length, slide, start) if text]
    call_ = alias(call("window", attribute("at"), *durations), "w")
    return project(LEAF, [call_, attribute("key"), star()])


def plain(session: EngineSession, relation: Relation, rows: pa.Table) -> PlainFragment | None:
    schema = session.schema(relation, {"input0": rows.slice(0, 0)})
    wanted = to_arrow_schema(schema, timezone=session.time_zone)
    return plain_fragment(relation, "input0", rows.schema, wanted)


def planned(session: EngineSession, relation: Relation, rows: pa.Table) -> Relation:
    rewritten = rewrite_windows(relation, lambda part: session.schema(part, {"input0": rows.slice(0, 0)}))
    return localize_epoch_times(rewritten)


@pytest.mark.parametrize(
    "relation",
    [
        windows("5 seconds"),
        windows("1 hour", "1 hour", "15 minutes"),
        windows("1 week"),
        windows("3 microseconds"),
        project(LEAF, [alias(attribute("KEY"), "k0"), alias(attribute("at"), "k1")]),
        project(filter_by(LEAF, call("isNotNull", attribute("name"))), [attribute("name"), integer(1)]),
        project(LEAF, [alias(call("+", attribute("key"), long(7)), "more"), alias(long(1), "one")]),
    ],
    ids=["window", "start", "week", "odd", "columns", "filter", "numbers"],
)
def test_arrow_and_the_engine_agree(session: EngineSession, relation: Relation) -> None:
    rows = events(session)
    relation = planned(session, relation, rows)
    found = plain(session, relation, rows)
    assert found is not None
    expected = session.run(relation, {"input0": rows})
    pieces = pa.concat_tables([rows.slice(0, 4), rows.slice(4, 0), rows.slice(4)])
    for given in (rows, pieces, rows.slice(0, 0)):
        answer = found.rows(given.select([n for n in given.column_names if n in found.columns]))
        assert answer is not None
        assert answer.to_pylist() == (expected.to_pylist() if given.num_rows else [])
        assert answer.schema.types == expected.schema.types


def test_only_columns_that_are_looked_at_are_needed(session: EngineSession) -> None:
    rows = events(session)
    counted = project(windows("5 seconds"), [alias(attribute("w"), "k0")])
    found = plain(session, planned(session, counted, rows), rows)
    assert found is not None
    assert found.columns == {"at"}


@pytest.mark.parametrize(
    "relation",
    [
        windows("10 seconds", "5 seconds"),
        filter_by(LEAF, call(">", attribute("key"), long(1))),
        project(LEAF, [alias(call("upper", attribute("name")), "u")]),
        project(LEAF, [alias(call("pmod", attribute("key"), long(-3)), "m")]),
        project(LEAF, [alias(call("+", attribute("key"), integer(1)), "m")]),
    ],
    ids=["sliding", "comparison", "text", "negative", "types"],
)
def test_anything_else_is_the_engines(session: EngineSession, relation: Relation) -> None:
    rows = events(session)
    assert plain(session, planned(session, relation, rows), rows) is None


def test_an_overflow_is_the_engines(session: EngineSession) -> None:
    rows = events(session, [US_MAX])
    relation = project(LEAF, [alias(call("+", attribute("key"), long(1)), "more")])
    found = plain(session, relation, rows)
    assert found is not None
    assert found.rows(rows.set_column(1, "Key", pa.array([US_MAX], pa.int64()))) is None

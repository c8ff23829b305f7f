"""A real engine, a clock that the test owns, and a checkpoint folder of its own for each test."""

from collections.abc import Iterator

import pytest

from cauce.clock import ManualClock
from cauce.engine import Engine, EngineSession


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()


@pytest.fixture
def engine_session(engine, tmp_path) -> EngineSession:
    return engine.session("conformance", str(tmp_path))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(now_ms=1_700_000_000_000)

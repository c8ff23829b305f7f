"""What a sink is given, without a query around it; the engine is real and shared by the tests."""

from collections.abc import Iterator

import pytest
from pyspark.sql.types import LongType, StringType, StructType

from cauce.clock import ManualClock
from cauce.conf import Conf
from cauce.engine import Engine
from cauce.files import LocalFileSystem
from cauce.session import Session, SessionKey
from cauce.streaming.sinks import SinkContext


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()


@pytest.fixture
def session(engine, request) -> Iterator[Session]:
    session = Session(
        SessionKey("tests", "tests", request.node.name), engine.session("tests", request.node.name)
    )
    yield session
    session.close()


@pytest.fixture
def printed() -> list[str]:
    return []


@pytest.fixture
def context(session, printed) -> SinkContext:
    return SinkContext(
        clock=ManualClock(),
        conf=Conf({}),
        file_system=LocalFileSystem(),
        engine=session.engine,
        session=session,
        query_id="11111111-2222-3333-4444-555555555555",
        schema=StructType().add("id", LongType()).add("name", StringType()),
        emit=printed.append,
    )

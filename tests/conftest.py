"""A cauce server shared by all tests of a process, and a fresh client session for each test."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession as SparkSessionApi
from pyspark.sql.connect.session import SparkSession

from cauce.server import CauceServer


@pytest.fixture(scope="session")
def server() -> Iterator[CauceServer]:
    """Listens on a free loopback port; `server.connection_string` is what a client needs."""
    with CauceServer(in_process_client=True) as server:
        yield server


@pytest.fixture
def spark(server: CauceServer) -> Iterator[SparkSession]:
    """The unmodified client, connected; its session, queries and views end with the test."""
    session = SparkSessionApi.builder.remote(server.connection_string).create()
    # Functions look for the default session, and a test may have left one behind.
    SparkSession._default_session = SparkSession._active_session.session = session
    yield session
    session.stop()

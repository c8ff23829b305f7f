"""Real servers, each in a folder of its own, started once for all tests of this folder (make integration)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.extend([str(HERE), str(HERE.parent / "spark")])

from postgresql_server import PostgreSQLServer  # noqa: E402


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQLServer]:
    """An empty PostgreSQL."""
    with PostgreSQLServer(tmp_path_factory.mktemp("postgresql")) as server:
        yield server

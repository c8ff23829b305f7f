"""How much of the recovery tests to run: `make crash` runs all of it, `make test` a share of each."""

import uuid
from collections.abc import Iterator

import pytest

from cauce.engine import Engine
from cauce.session import Session, SessionKey

SEEDS = 12


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--crash-stride", type=int, default=11, help="try every n-th operation of the disk")
    parser.addoption("--crash-seeds", type=int, default=SEEDS, help="so many random histories")
    parser.addoption("--crash-seed", type=int, default=0, help="the first of them")


@pytest.fixture
def crash_stride(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--crash-stride", default=11)


@pytest.fixture
def crash_seeds(request: pytest.FixtureRequest) -> range:
    first = request.config.getoption("--crash-seed", default=0)
    return range(first, first + request.config.getoption("--crash-seeds", default=SEEDS))


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    engine = Engine()
    yield Session(SessionKey("", "tests", str(uuid.uuid4())), engine.session("tests", str(uuid.uuid4())))
    engine.stop()

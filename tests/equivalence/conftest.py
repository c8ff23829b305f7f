"""`--examples N` says how many random cases each property is tried on; `make equivalence N=` passes it."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--examples", type=int, default=10, help="random cases per property")


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--examples", default=10)

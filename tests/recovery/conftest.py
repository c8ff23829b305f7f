"""`--crash-stride 1` tries every operation; the default tries every eleventh, each fault others."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--crash-stride", type=int, default=11, help="try every n-th operation of the disk")


@pytest.fixture
def crash_stride(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--crash-stride", default=11)

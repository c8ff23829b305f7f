"""One broker for all tests of this folder; those that restart it have their own."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EVENTUALLY_S = 60
sys.path.extend([str(HERE), str(HERE.parents[1] / "spark")])

from kafka_broker import KafkaBroker  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--restarts", type=int, default=5, help="how often the broker goes away during a run")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def options(kafka: KafkaBroker) -> dict[str, str]:
    return {"kafka.bootstrap.servers": kafka.servers}


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits for what a broker does in its own time."""

    def wait(happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + EVENTUALLY_S
        while not happened():
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.05)

    return wait


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A name of the test's own."""
    return request.node.name.replace("[", ".").replace("]", "")

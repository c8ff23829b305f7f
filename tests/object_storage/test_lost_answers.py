"""Checkpoint, input and output in an object store, where a request fails, or all do from one on."""

from collections.abc import Iterator

import pytest

from cauce.errors import SparkError
from cauce.files import open_file_system
from cauce.session import Session
from tests.recovery.jobs import JOBS, ROWS, Job, lines_of, rows_of_sink, run_on
from tests.support.mock_s3 import FAULTS, MockS3

NAMES = ("filter", "windows in append mode", "windows to Delta")
DEATHS = ("connection lost", "answer lost")
"""What the last request of a dying process can have come to."""

_undisturbed: dict[str, tuple[list, int]] = {}
"""By job: its answer, and how many requests its first run takes."""


def write_input(folder: str) -> None:
    file_system, path = open_file_system(f"{folder}/in")
    for i, rows in enumerate(ROWS):
        file_system.write_durable(f"{path}/{i}.json", lines_of(rows).encode())


def run(job: Job, folder: str, session: Session, s3: MockS3) -> None:
    """One life of the query, on everything there is."""
    file_system, path = open_file_system(folder)
    run_on(file_system, job, path, session, settings=s3.settings)


def answer(job: Job, folder: str, session: Session, s3: MockS3) -> list:
    """Run what is left and one more file, then say what the sink holds."""
    file_system, path = open_file_system(folder)
    run(job, folder, session, s3)
    file_system.write_durable(f"{path}/in/last.json", lines_of([(7, 100)]).encode())
    run(job, folder, session, s3)
    return rows_of_sink(file_system, job, f"{path}/out")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each way to fail with one of the jobs; `--crash-stride 1` (`make crash`) takes each with all."""
    every = metafunc.config.getoption("--crash-stride", default=None) is not None
    kind, ways = ("fault", FAULTS) if "fault" in metafunc.fixturenames else ("death", DEATHS)
    chosen = [
        (way, name)
        for number, way in enumerate(ways)
        for name in (NAMES if every else [NAMES[number % len(NAMES)]])
    ]
    ids = [f"{name}-{way}" for way, name in chosen]
    metafunc.parametrize((kind, "job"), [(way, JOBS[name]) for way, name in chosen], ids=ids)


@pytest.fixture
def undisturbed(job: Job, s3: MockS3, session: Session) -> tuple[list, int]:
    if job.name not in _undisturbed:
        folder = "s3a://lake/undisturbed"
        write_input(folder)
        s3.fault(lambda number: None)
        run(job, folder, session, s3)
        requests = len(s3.requests)
        _undisturbed[job.name] = answer(job, folder, session, s3), requests
    return _undisturbed[job.name]


@pytest.fixture
def points(job: Job, request: pytest.FixtureRequest, undisturbed: tuple[list, int]) -> Iterator[int]:
    """The requests to spoil: one, another for each test; `--crash-stride 1` (`make crash`) takes all."""
    stride = request.config.getoption("--crash-stride", default=None) or undisturbed[1]
    first = 29 * len(request.node.name) % stride
    return iter(range(first, undisturbed[1], stride))


def test_a_request_that_fails_once_changes_nothing(
    fault: str, job: Job, undisturbed: tuple[list, int], points: Iterator[int], s3: MockS3, session: Session
) -> None:
    for k in points:
        folder = f"s3a://lake/{k}"
        write_input(folder)
        s3.fault(lambda number, k=k: fault if number == k else None)
        run(job, folder, session, s3)
        assert len(s3.requests) > k, "the fault came too late"
        s3.fault(lambda number: None)
        assert answer(job, folder, session, s3) == undisturbed[0] != [], f"request {k}"


def test_a_query_that_dies_at_any_request_continues_exactly_once(
    death: str, job: Job, undisturbed: tuple[list, int], points: Iterator[int], s3: MockS3, session: Session
) -> None:
    for k in points:
        folder = f"s3a://lake/{k}"
        write_input(folder)
        s3.fault(lambda number, k=k: None if number < k else death if number == k else "connection lost")
        if k < undisturbed[1] - 1:  # The last request releases the checkpoint, and may fail.
            with pytest.raises(SparkError, match="does not answer"):
                run(job, folder, session, s3)
        s3.fault(lambda number: None)
        assert answer(job, folder, session, s3) == undisturbed[0] != [], f"request {k}"

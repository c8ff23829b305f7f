"""A job killed before any disk operation, by a torn write or a power loss, resumes exactly once."""

import contextlib
from pathlib import Path

import pytest

from cauce.session import Session
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash
from tests.recovery.jobs import JOBS, Job, finish, run, write_input
from tests.recovery.points import POINTS, SETTINGS, operation_of

FAULTS = ("killed", "torn write", "power loss")


def faulty_disk(fault: str, k: int) -> FaultyDisk:
    return FaultyDisk(torn_write=k) if fault == "torn write" else FaultyDisk(crash_before=k)


def undisturbed(job: Job, folder: Path, session: Session) -> tuple[list, int]:
    """The answer without any fault, and how many operations it took."""
    write_input(folder / "in")
    disk = FaultyDisk()
    run(job, folder, session, disk)
    return finish(job, folder, session), len(disk.operations)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_dies_anywhere_answers_as_if_nothing_had_happened(
    name: str, fault: str, session: Session, tmp_path: Path, crash_stride: int
) -> None:
    job = JOBS[name]
    expected, operations = undisturbed(job, tmp_path / "undisturbed", session)
    assert expected, "the job must have an answer to lose"
    for k in range(FAULTS.index(fault), operations, crash_stride):
        folder = tmp_path / str(k)
        write_input(folder / "in")
        disk = faulty_disk(fault, k)
        with pytest.raises(SimulatedCrash):
            run(job, folder, session, disk)
        if fault == "power loss":
            disk.lose_power(seed=k)
        assert finish(job, folder, session) == expected, (
            f"{fault} after {disk.operations[-1]}, operation {k - 1}"
        )


@pytest.mark.parametrize("name", ["windows in append mode"])
def test_a_crash_during_recovery_changes_nothing_either(
    name: str, session: Session, tmp_path: Path, crash_stride: int
) -> None:
    job = JOBS[name]
    expected, operations = undisturbed(job, tmp_path / "undisturbed", session)
    for first in range(0, operations, 5 * crash_stride):
        for second in range(0, 20, crash_stride):
            folder = tmp_path / f"{first}-{second}"
            write_input(folder / "in")
            for disk in (FaultyDisk(crash_before=first), FaultyDisk(crash_before=second)):
                with contextlib.suppress(SimulatedCrash):
                    run(job, folder, session, disk)
            assert finish(job, folder, session) == expected, f"crashes at {first}, then at {second}"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_dies_at_a_step_of_the_protocol_goes_on_from_there(
    name: str, fault: str, session: Session, tmp_path: Path, crash_stride: int
) -> None:
    """Every named point: 22 x 3 faults x every job with --crash-stride 1, some of each otherwise."""
    job = JOBS[name]
    write_input(tmp_path / "undisturbed" / "in")
    disk = FaultyDisk()
    run(job, tmp_path / "undisturbed", session, disk, settings=SETTINGS)
    lines = disk.golden(str(tmp_path / "undisturbed"))
    expected = finish(job, tmp_path / "undisturbed", session)
    reached = {
        point: (k, when)
        for point, (pattern, when) in POINTS.items()
        if (k := operation_of(pattern, lines)) is not None
    }
    assert len(reached) >= 14, f"points that no operation matches: {POINTS.keys() - reached.keys()}"
    for point, (k, when) in list(reached.items())[FAULTS.index(fault) :: crash_stride]:
        write_input(tmp_path / point / "in")
        disk = FaultyDisk(**_dies(fault, k, when))
        with contextlib.suppress(SimulatedCrash):
            run(job, tmp_path / point, session, disk, settings=SETTINGS)
        if fault == "power loss":
            disk.lose_power(seed=k)
        assert finish(job, tmp_path / point, session) == expected, f"{fault}: {point}, operation {k}"


def _dies(fault: str, k: int, when: str) -> dict[str, int]:
    """A torn write tears the next write there is, wherever the point itself is."""
    if fault == "torn write" or when == "torn":
        return {"torn_write": k}
    return {"crash_before": k} if when == "before" else {"crash_after": k}

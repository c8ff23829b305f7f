"""A disk that refuses one operation: the batch fails or succeeds, and nobody ever reads a wrong answer."""

import errno
from pathlib import Path

import pytest

from cauce.files import SyncFailedError
from cauce.session import Session
from cauce.testing.faulty_disk import FaultyDisk
from tests.recovery.jobs import JOBS, finish, run, write_input

ERRORS = {"disk full": errno.ENOSPC, "input/output error": errno.EIO}
FEW = ["filter", "windows in append mode", "windows in update mode", "joined with itself"]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", FEW)
def test_a_refused_operation_never_gives_a_wrong_answer(
    name: str, error: str, session: Session, tmp_path: Path, crash_stride: int
) -> None:
    job = JOBS[name]
    write_input(tmp_path / "undisturbed" / "in")
    disk = FaultyDisk()
    run(job, tmp_path / "undisturbed", session, disk)
    expected = finish(job, tmp_path / "undisturbed", session)
    for k in range(FEW.index(name), len(disk.operations), crash_stride):
        folder = tmp_path / str(k)
        write_input(folder / "in")
        failing = FaultyDisk(fail=k, error=ERRORS[error])
        try:
            run(job, folder, session, failing)
        except OSError as raised:
            assert isinstance(raised, SyncFailedError) or raised.errno == ERRORS[error]
        assert finish(job, folder, session) == expected, f"{error} at {failing.operations[k]}"


@pytest.mark.parametrize("name", FEW[:3])
def test_after_a_failed_fsync_nothing_more_is_written(
    name: str, session: Session, tmp_path: Path, crash_stride: int
) -> None:
    """The kernel may have dropped the data and says so only once: trying again would prove nothing."""
    job = JOBS[name]
    write_input(tmp_path / "undisturbed" / "in")
    disk = FaultyDisk()
    run(job, tmp_path / "undisturbed", session, disk)
    expected = finish(job, tmp_path / "undisturbed", session)
    syncs = [k for k, operation in enumerate(disk.operations) if operation.kind.startswith("sync")]
    for k in syncs[:: max(1, crash_stride // 2)]:
        folder = tmp_path / str(k)
        write_input(folder / "in")
        failing = FaultyDisk(fail=k)
        with pytest.raises(SyncFailedError, match="nothing more is written"):
            run(job, folder, session, failing)
        after = {operation.kind for operation in failing.operations[k + 1 :]}
        assert after <= {"unlink"}, "only the unfinished file may go"
        failing.lose_power(seed=k)
        assert finish(job, folder, session) == expected, f"fsync failed at {failing.operations[k]}"

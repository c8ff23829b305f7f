"""A clock that jumps, and a run that was thought dead and writes on."""

import contextlib
from pathlib import Path

import pytest

from cauce.checkpoint import Checkpoint
from cauce.clock import ManualClock
from cauce.errors import ConcurrentModificationException
from cauce.files import LocalFileSystem
from cauce.session import Session
from cauce.testing.faulty_disk import FaultyDisk, Operation, UnsyncedDisk
from tests.recovery.jobs import JOBS, finish, run, write_input

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class JumpingClock(ManualClock):
    """Moves by `jump_ms` whenever it is asked."""

    def __init__(self, jump_ms: int) -> None:
        super().__init__(10 * DAY_MS)
        self._jump_ms = jump_ms

    def now_ms(self) -> int:
        self.advance_ms(self._jump_ms)
        return super().now_ms()


@pytest.mark.parametrize("jump_ms", [0, -1, HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS])
@pytest.mark.parametrize("name", ["windows in append mode", "distinct ids"])
def test_a_clock_that_jumps_changes_neither_answer_nor_watermark(
    name: str, jump_ms: int, session: Session, tmp_path: Path
) -> None:
    job = JOBS[name]
    logged = {}
    for clock in (ManualClock(10 * DAY_MS), JumpingClock(jump_ms)):
        folder = tmp_path / type(clock).__name__
        write_input(folder / "in")
        run(job, folder, session, UnsyncedDisk(), clock=clock)
        offsets = Checkpoint(LocalFileSystem(), str(folder / "checkpoint")).offsets
        entries = [entry for i in range(9) if (entry := offsets.get(i)) is not None]
        logged[folder.name] = [entry.watermark_ms for entry in entries], finish(job, folder, session)
        times = [entry.timestamp_ms for entry in entries]
        assert times == sorted(times), "a batch's time never goes back"
    assert logged["JumpingClock"] == logged["ManualClock"]


class SlowDisk(FaultyDisk):
    """Runs `meanwhile` before operation k: this process slept, and was replaced."""

    def __init__(self, k: int, meanwhile) -> None:
        super().__init__()
        self._k, self._meanwhile = k, meanwhile

    def _do(self, operation: Operation, act):
        if len(self.operations) == self._k:
            self._k = -1
            self._meanwhile()
        return super()._do(operation, act)


@pytest.mark.parametrize("name", ["filter", "windows in append mode", "joined with itself", "first rows"])
def test_a_run_that_lost_its_lock_is_fenced(
    name: str, session: Session, tmp_path: Path, crash_stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is taken away from it, as a network file system may; the logs let only one of them in."""
    monkeypatch.setattr(Checkpoint, "acquire", lambda self: LocalFileSystem().make_dirs(self.path))
    job = JOBS[name]
    write_input(tmp_path / "undisturbed" / "in")
    disk = FaultyDisk()
    run(job, tmp_path / "undisturbed", session, disk)
    expected = finish(job, tmp_path / "undisturbed", session)
    for k in range(3, len(disk.operations), crash_stride):
        folder = tmp_path / str(k)
        write_input(folder / "in")

        def replacement(folder: Path = folder) -> None:
            run(job, folder, session, UnsyncedDisk())

        # It meets the other's files.
        with contextlib.suppress(ConcurrentModificationException, FileNotFoundError):
            run(job, folder, session, SlowDisk(k, replacement))
        assert finish(job, folder, session) == expected, f"asleep before {disk.operations[k]}"


@pytest.mark.parametrize("name", ["windows in update mode", "filter"])
def test_a_run_whose_lock_was_removed_hands_nothing_more_to_the_sink(
    name: str, session: Session, tmp_path: Path, crash_stride: int
) -> None:
    """A sink that cannot tell one run from another, as many are, must not hear from the old one."""
    job = JOBS[name]
    write_input(tmp_path / "undisturbed" / "in")
    undisturbed = FaultyDisk()
    run(job, tmp_path / "undisturbed", session, undisturbed)
    expected = finish(job, tmp_path / "undisturbed", session)
    for k in range(3, len(undisturbed.operations), crash_stride):
        folder = tmp_path / str(k)
        write_input(folder / "in")

        def replacement(folder: Path = folder) -> None:
            (folder / "checkpoint" / ".cauce.lock").unlink()
            run(job, folder, session, UnsyncedDisk())

        disk = SlowDisk(k, replacement)
        with contextlib.suppress(ConcurrentModificationException, FileNotFoundError, FileExistsError):
            run(job, folder, session, disk)
        lines = disk.golden(str(folder))
        sinks = [number for number, line in enumerate(lines) if line.split()[1].startswith("out")]
        if k not in sinks:  # It slept inside the sink: what the sink began, it may end.
            assert not [number for number in sinks if number > k], f"asleep before {lines[k]}"
        assert finish(job, folder, session) == expected, f"asleep before {lines[k]}"

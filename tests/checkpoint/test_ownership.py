"""One checkpoint, one run."""

import subprocess
import sys
from pathlib import Path

import pytest

from cauce.checkpoint import Checkpoint
from cauce.errors import ConcurrentModificationException
from cauce.files import LocalFileSystem

RUN = """
import sys
from cauce.checkpoint import Checkpoint
from cauce.files import LocalFileSystem
Checkpoint(LocalFileSystem(), sys.argv[1]).acquire()
print("running", flush=True)
sys.stdin.read()
"""


def checkpoint(path: Path) -> Checkpoint:
    return Checkpoint(LocalFileSystem(), str(path / "checkpoint"))


def test_a_second_run_in_this_process_is_refused_until_the_first_releases(tmp_path: Path) -> None:
    first = checkpoint(tmp_path)
    first.acquire()
    with pytest.raises(ConcurrentModificationException, match="in use by this process") as caught:
        checkpoint(tmp_path).acquire()
    assert caught.value.condition == "CONCURRENT_STREAM_LOG_UPDATE"
    first.release()
    first.release()
    second = checkpoint(tmp_path)
    second.acquire()
    second.release()


def test_a_run_of_another_process_is_named_and_its_death_frees_the_checkpoint(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path / "checkpoint")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "running\n"
        with pytest.raises(ConcurrentModificationException, match=f"in use by process {other.pid} on "):
            checkpoint(tmp_path).acquire()
        other.kill()
        other.wait()
    mine = checkpoint(tmp_path)
    mine.acquire()
    mine.release()


def test_a_checkpoint_is_its_owners_only(tmp_path: Path) -> None:
    mine = checkpoint(tmp_path)
    mine.acquire()
    mine.release()
    assert (tmp_path / "checkpoint").stat().st_mode & 0o777 == 0o700

"""A lock is owned once, and dies with its process."""

import subprocess
import sys
from pathlib import Path

import pytest

from cauce.files import LocalFileSystem, LockedError

OWN_AND_WAIT = """
import sys
from cauce.files import LocalFileSystem
lock = LocalFileSystem().lock(sys.argv[1], "pid 4711 on otherhost")
print("owned", flush=True)
sys.stdin.read()
"""


def test_a_second_owner_in_this_process_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / ".lock")
    lock = LocalFileSystem().lock(path, "first")
    with pytest.raises(LockedError, match="this process"):
        LocalFileSystem().lock(path, "second")
    (tmp_path / "alias").symlink_to(tmp_path)
    with pytest.raises(LockedError, match="this process"):
        LocalFileSystem().lock(str(tmp_path / "alias" / ".lock"), "second, by another name")
    lock.release()
    lock.release()
    LocalFileSystem().lock(path, "third").release()


def test_another_process_owns_it_until_it_is_killed(tmp_path: Path) -> None:
    path = str(tmp_path / ".lock")
    command = [sys.executable, "-c", OWN_AND_WAIT, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "owned\n"
        with pytest.raises(LockedError, match="pid 4711 on otherhost") as caught:
            LocalFileSystem().lock(path, "me")
        assert caught.value.holder == "pid 4711 on otherhost"
        other.kill()
        other.wait()
    LocalFileSystem().lock(path, "me").release()


def test_an_owner_notices_that_its_file_is_gone_or_another_has_it(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    lock = LocalFileSystem().lock(str(path), "first")
    lock.check()
    path.unlink()
    with pytest.raises(LockedError, match="file is gone"):
        lock.check()
    second = LocalFileSystem().lock(str(path), "second")
    with pytest.raises(LockedError, match="another run"):
        lock.check()
    second.check()
    # What a network file system that forgot the lock lets another machine do.
    path.write_text("third\nits own number")
    with pytest.raises(LockedError, match="third"):
        second.check()
    lock.release()
    second.release()

"""The disk that fails on purpose: it must lose what was not synced, or the recovery tests prove nothing."""

import errno
from pathlib import Path

import pytest

from cauce.files import Disk, LocalFileSystem
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash


def write(disk: Disk, path: Path, *, sync: bool) -> None:
    descriptor = disk.create(str(path))
    disk.write(descriptor, b"0123456789")
    if sync:
        disk.sync(descriptor)
    disk.close(descriptor)


def test_content_that_was_not_synced_is_lost_though_its_name_was(tmp_path: Path) -> None:
    disk = FaultyDisk()
    write(disk, tmp_path / "a", sync=False)
    disk.sync_folder(str(tmp_path))
    disk.lose_power()
    assert (tmp_path / "a").read_bytes() == b""


def test_a_name_that_was_not_synced_is_lost_though_its_content_was(tmp_path: Path) -> None:
    disk = FaultyDisk()
    write(disk, tmp_path / "a", sync=True)
    disk.lose_power()
    assert not (tmp_path / "a").exists()


def test_some_end_of_what_was_not_synced_is_lost_at_random(tmp_path: Path) -> None:
    sizes = set()
    for seed in range(40):
        path = tmp_path / str(seed)
        disk = FaultyDisk()
        write(disk, path, sync=False)
        disk.lose_power(seed)
        sizes.add(path.stat().st_size if path.exists() else None)
    assert {None, 0} < sizes
    assert sizes & set(range(1, 10))


def test_renames_and_removals_come_back(tmp_path: Path) -> None:
    for name in ("old", "new", "gone"):
        (tmp_path / name).write_text(name)
    disk = FaultyDisk()
    disk.rename(str(tmp_path / "new"), str(tmp_path / "old"))
    disk.unlink(str(tmp_path / "gone"))
    disk.make_dir(str(tmp_path / "folder"), 0o777)
    disk.lose_power()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == (
        {"old": "old", "new": "new", "gone": "gone"}
    )


def test_after_a_crash_the_dead_process_changes_nothing_more(tmp_path: Path) -> None:
    disk = FaultyDisk(crash_after=0)
    with pytest.raises(SimulatedCrash):
        LocalFileSystem(disk).make_dirs(str(tmp_path / "a"))
    with pytest.raises(SimulatedCrash):
        LocalFileSystem(disk).delete_tree(str(tmp_path / "a"))
    assert (tmp_path / "a").exists()


def test_only_some_paths_can_be_hit(tmp_path: Path) -> None:
    disk = FaultyDisk(fail=0, error=errno.ENOSPC, only="/commits/")
    (tmp_path / "commits").mkdir()
    write(disk, tmp_path / "offsets", sync=True)
    with pytest.raises(OSError) as caught:
        write(disk, tmp_path / "commits" / "0", sync=True)
    assert caught.value.errno == errno.ENOSPC


def test_syncs_can_fail_from_a_point_on(tmp_path: Path) -> None:
    disk = FaultyDisk(fail_syncs_from=1)
    disk.sync_folder(str(tmp_path))
    with pytest.raises(OSError):
        disk.sync_folder(str(tmp_path))

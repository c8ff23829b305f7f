"""A durable write is whole or absent, whatever happens while it is made."""

import errno
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from cauce.files import LocalFileSystem, SyncFailedError
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash, count_operations

OLD, NEW = b"what was there", b"what was written" * 20


def write(disk: FaultyDisk, path: Path, *, overwrite: bool) -> None:
    LocalFileSystem(disk).write_durable(str(path), NEW, overwrite=overwrite)


def stream(disk: FaultyDisk, path: Path) -> None:
    with LocalFileSystem(disk).create_durable(str(path)) as file:
        file.write(NEW[:100])
        file.write(NEW[100:])


def test_a_new_file_is_synced_before_it_gets_its_name_and_the_folder_after(tmp_path: Path) -> None:
    disk = FaultyDisk()
    write(disk, tmp_path / "7", overwrite=False)
    assert disk.golden(str(tmp_path)) == [
        "create .7.<uuid>.tmp",
        "write .7.<uuid>.tmp 320",
        "sync .7.<uuid>.tmp",
        "link .7.<uuid>.tmp 7",
        "unlink .7.<uuid>.tmp",
        "sync_folder .",
    ]


def test_an_overwritten_file_is_replaced_by_one_rename(tmp_path: Path) -> None:
    disk = FaultyDisk()
    write(disk, tmp_path / "metadata", overwrite=True)
    assert disk.golden(str(tmp_path))[3:] == ["rename .metadata.<uuid>.tmp metadata", "sync_folder ."]


def test_a_file_written_in_pieces_is_synced_once(tmp_path: Path) -> None:
    disk = FaultyDisk()
    stream(disk, tmp_path / "1.arrow")
    assert [line.split()[0] for line in disk.golden(str(tmp_path))] == (
        ["create", "write", "write", "sync", "link", "unlink", "sync_folder"]
    )


def test_new_folders_are_durable_from_the_top_down(tmp_path: Path) -> None:
    disk = FaultyDisk()
    LocalFileSystem(disk).make_dirs(str(tmp_path / "checkpoint" / "offsets"))
    assert disk.golden(str(tmp_path)) == [
        "make_dir checkpoint",
        "sync_folder .",
        "make_dir checkpoint/offsets",
        "sync_folder checkpoint",
    ]


OVERWRITE_OPERATIONS = 5
STREAM_OPERATIONS = 7


@pytest.mark.parametrize("k", range(OVERWRITE_OPERATIONS))
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_a_crash_with_power_loss_leaves_the_old_or_the_new_file(
    tmp_path: Path, k: int, when: str, seed: int | None
) -> None:
    path = tmp_path / "metadata"
    path.write_bytes(OLD)
    disk = FaultyDisk(**{when: k})
    with pytest.raises(SimulatedCrash):
        write(disk, path, overwrite=True)
    disk.lose_power(seed)
    assert path.read_bytes() in (OLD, NEW)


@pytest.mark.parametrize("k", range(STREAM_OPERATIONS))
@pytest.mark.parametrize("seed", [None, *range(10)])
def test_a_new_file_is_whole_or_absent_after_power_loss(tmp_path: Path, k: int, seed: int | None) -> None:
    path = tmp_path / "segment"
    disk = FaultyDisk(crash_before=k)
    with pytest.raises(SimulatedCrash):
        stream(disk, path)
    disk.lose_power(seed)
    assert not path.exists() or path.read_bytes() == NEW


def test_the_crash_points_above_are_all_there_are(tmp_path: Path) -> None:
    assert count_operations(lambda disk: write(disk, tmp_path / "a", overwrite=True)) == OVERWRITE_OPERATIONS
    assert count_operations(lambda disk: stream(disk, tmp_path / "b")) == STREAM_OPERATIONS


def test_what_was_written_survives_power_loss(tmp_path: Path) -> None:
    disk = FaultyDisk()
    write(disk, tmp_path / "7", overwrite=False)
    disk.lose_power()
    assert (tmp_path / "7").read_bytes() == NEW


def test_a_disk_that_tears_a_write_never_shows_the_torn_file(tmp_path: Path) -> None:
    with pytest.raises(SimulatedCrash):
        write(FaultyDisk(torn_write=0), tmp_path / "7", overwrite=False)
    assert not (tmp_path / "7").exists()
    assert [len(path.read_bytes()) for path in tmp_path.iterdir()] == [160]


def test_a_full_disk_is_reported_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        write(FaultyDisk(fail=1, error=errno.ENOSPC), tmp_path / "7", overwrite=False)
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("k", [2, 5])
def test_after_a_failed_fsync_nothing_more_is_written(tmp_path: Path, k: int) -> None:
    file_system = LocalFileSystem(FaultyDisk(fail=k))
    with pytest.raises(SyncFailedError, match="check the disk"):
        file_system.write_durable(str(tmp_path / "7"), NEW)
    for again in (
        lambda: file_system.write_durable(str(tmp_path / "8"), NEW),
        lambda: file_system.delete(str(tmp_path / "7")),
        lambda: file_system.make_dirs(str(tmp_path / "new")),
        lambda: file_system.rename(str(tmp_path / "7"), str(tmp_path / "9")),
        lambda: file_system.sync_folder(str(tmp_path)),
    ):
        with pytest.raises(SyncFailedError):
            again()
    assert {path.name for path in tmp_path.iterdir()} <= {"7"}


def test_of_many_writers_of_one_name_exactly_one_wins(tmp_path: Path) -> None:
    won: list[int] = []

    def attempt(number: int) -> None:
        try:
            LocalFileSystem().write_durable(str(tmp_path / "3"), b"%d" % number)
        except FileExistsError:
            return
        won.append(number)

    writers = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [(tmp_path / "3").read_bytes()] == [b"%d" % number for number in won]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_block_leaves_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        LocalFileSystem().create_durable(str(tmp_path / "part")) as file,
    ):
        file.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_several_files_can_share_one_folder_sync(tmp_path: Path) -> None:
    disk = FaultyDisk()
    file_system = LocalFileSystem(disk)
    for name in ("a", "b"):
        with file_system.create_durable(str(tmp_path / name), sync_folder=False) as file:
            file.write(NEW)
    file_system.sync_folder(str(tmp_path))
    assert [line for line in disk.golden(str(tmp_path)) if line.startswith("sync_folder")] == [
        "sync_folder ."
    ]
    disk.lose_power()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_arrow_writes_straight_into_a_durable_file(tmp_path: Path) -> None:
    table = pa.table({"key": [1, 2, 3]})
    path = tmp_path / "state.arrow"
    with (
        LocalFileSystem().create_durable(str(path)) as file,
        pa.ipc.new_file(file, table.schema) as writer,
    ):
        writer.write_table(table)
    assert pa.ipc.open_file(pa.memory_map(str(path))).read_all() == table


def test_a_missing_folder_is_an_error_not_a_new_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LocalFileSystem().write_durable(str(tmp_path / "deleted" / "7"), NEW)

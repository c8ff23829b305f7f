"""Reading, listing and removing on the local disk."""

import os
from pathlib import Path

import pytest

from cauce.files import LocalFileSystem


@pytest.fixture
def files() -> LocalFileSystem:
    return LocalFileSystem()


def test_a_listing_is_sorted_and_shows_hidden_names(files: LocalFileSystem, tmp_path: Path) -> None:
    for name in ("b", ".hidden", "a"):
        (tmp_path / name).write_bytes(b"12")
    assert [os.path.basename(entry.path) for entry in files.list(str(tmp_path))] == [".hidden", "a", "b"]
    assert {entry.size_bytes for entry in files.list(str(tmp_path))} == {2}


def test_a_recursive_listing_survives_links_upwards_and_into_nothing(
    files: LocalFileSystem, tmp_path: Path
) -> None:
    (tmp_path / "day=1").mkdir()
    (tmp_path / "day=1" / "part").write_bytes(b"x")
    (tmp_path / "day=1" / "up").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    found = files.list(str(tmp_path), recursive=True)
    assert str(tmp_path / "day=1" / "part") in [entry.path for entry in found if not entry.is_dir]
    assert str(tmp_path / "nowhere") not in [entry.path for entry in found]


def test_an_absent_folder_lists_as_empty(files: LocalFileSystem, tmp_path: Path) -> None:
    assert files.list(str(tmp_path / "absent")) == []
    assert files.names(str(tmp_path / "absent")) == []


def test_reading_what_is_not_there_raises_file_not_found(files: LocalFileSystem, tmp_path: Path) -> None:
    for read in (files.read_bytes, files.status):
        with pytest.raises(FileNotFoundError):
            read(str(tmp_path / "absent"))
    assert not files.exists(str(tmp_path / "absent"))


def test_a_status_has_milliseconds_and_bytes(files: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    os.utime(tmp_path / "a", ns=(0, 1_700_000_000_123_456_789))
    status = files.status(str(tmp_path / "a"))
    assert (status.size_bytes, status.modified_ms, status.is_dir) == (3, 1_700_000_000_123, False)


def test_deleting_is_repeatable(files: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    files.delete(str(tmp_path / "a"))
    files.delete(str(tmp_path / "a"))
    files.delete_tree(str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


def test_deleting_a_tree_does_not_follow_links_out_of_it(files: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data").write_bytes(b"x")
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "file").write_bytes(b"x")
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "precious")
    files.delete_tree(str(tmp_path / "tree"))
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert (tmp_path / "precious" / "data").exists()


def test_private_folders_are_readable_by_their_owner_only(files: LocalFileSystem, tmp_path: Path) -> None:
    files.make_dirs(str(tmp_path / "checkpoint" / "state"), private=True)
    assert (tmp_path / "checkpoint").stat().st_mode & 0o777 == 0o700
    files.make_dirs(str(tmp_path / "checkpoint" / "state"))

"""Every log file cut at every byte, and with flipped bits: noticed and named, never another answer."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cauce.checkpoint import (
    CommitEntry,
    CommitLog,
    FileSourceLog,
    InitialOffset,
    OffsetEntry,
    OffsetLog,
    SinkFile,
    SinkLog,
    SourceFile,
    StreamMetadata,
    locked_conf,
)
from cauce.conf import Conf
from cauce.errors import SparkError
from cauce.files import LocalFileSystem

FILES = LocalFileSystem()


def offsets(folder: str, position: str = '{"logOffset":17}') -> Callable[[], Any]:
    log = OffsetLog(FILES, folder)
    log.add(0, OffsetEntry(1000, 2000, locked_conf(Conf({})), (position, None, position)))
    return log.latest


def commits(folder: str) -> Callable[[], Any]:
    log = CommitLog(FILES, folder)
    log.add(0, CommitEntry(123456, {"0": {"version": 3, "files": ["a.arrow"]}}))
    return log.latest


def metadata(folder: str) -> Callable[[], Any]:
    StreamMetadata(FILES, folder).read_or_create()
    return StreamMetadata(FILES, folder).read


def initial_offset(folder: str) -> Callable[[], Any]:
    InitialOffset(FILES, folder, zero_byte=True).read_or_create(lambda: '{"topic":{"0":23}}')
    return InitialOffset(FILES, folder, zero_byte=True).read


def sink_log(folder: str) -> Callable[[], Any]:
    log = SinkLog(FILES, folder)
    log.add(0, [SinkFile(f"/out/part-{n}", n, n) for n in range(6)])
    return log.all_files


def source_log(folder: str) -> Callable[[], Any]:
    FileSourceLog(FILES, folder).add(0, [SourceFile(f"/in/{n}.json", n, 0) for n in range(6)])
    return lambda: FileSourceLog(FILES, folder).get(0)


def numbers(folder: str) -> Callable[[], Any]:
    """Offsets of the rate source are bare numbers: any beginning of one is another."""
    return offsets(folder, "1795253480567")


LOGS = [offsets, numbers, commits, metadata, initial_offset, sink_log, source_log]


def written(make: Callable[[str], Callable[[], Any]], folder: Path) -> tuple[Path, Callable[[], Any]]:
    read = make(str(folder))
    (path,) = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return path, read


@pytest.mark.parametrize("make", LOGS)
def test_a_file_cut_at_any_byte_is_named(tmp_path: Path, make: Callable[[str], Callable[[], Any]]) -> None:
    path, read = written(make, tmp_path)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(SparkError, match=f"File {path}: expected"):
            read()


@pytest.mark.parametrize("make", LOGS)
def test_flipped_bits_are_named(tmp_path: Path, make: Callable[[str], Callable[[], Any]]) -> None:
    path, read = written(make, tmp_path)
    whole = path.read_bytes()
    chance = random.Random(7)
    for _ in range(1000):
        position = chance.randrange(len(whole))
        path.write_bytes(
            whole[:position] + bytes([whole[position] ^ 1 << chance.randrange(8)]) + whole[position + 1 :]
        )
        with pytest.raises(SparkError, match=f"File {path}: expected"):
            read()


@pytest.mark.parametrize("make", [offsets, commits, metadata, initial_offset])
def test_without_its_checksum_a_cut_file_is_still_no_other_answer(
    tmp_path: Path, make: Callable[[str], Callable[[], Any]]
) -> None:
    """Losing whole lines of offsets shows in the number of sources, which `recover` compares."""
    path, read = written(make, tmp_path)
    (tmp_path / f".{path.name}.crc").unlink()
    whole, answer = path.read_bytes(), read()
    ends_of_lines = {at for at, byte in enumerate(whole) for at in (at, at + 1) if byte == ord("\n")}
    for cut in set(range(len(whole))) - (ends_of_lines if make is offsets else set()):
        path.write_bytes(whole[:cut])
        with pytest.raises(SparkError, match=f"File {path}: expected"):
            read()
    path.write_bytes(whole)
    assert read() == answer


@pytest.mark.parametrize("make", LOGS)
@pytest.mark.parametrize("kept", [0, 3, 8, 9])
def test_a_checksum_that_a_power_loss_cut_says_nothing(
    tmp_path: Path, make: Callable[[str], Callable[[], Any]], kept: int
) -> None:
    path, read = written(make, tmp_path)
    answer = read()
    checksum = tmp_path / f".{path.name}.crc"
    checksum.write_bytes(checksum.read_bytes()[:kept])
    assert read() == answer


def test_a_newer_format_is_refused_in_sparks_words(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("v9\n{}")
    with pytest.raises(SparkError, match="maximum supported log version is v2, but encountered v9") as caught:
        OffsetLog(FILES, str(tmp_path)).latest()
    assert caught.value.condition == "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION"

"""A checkpoint whose files were cut or changed: the damage is named, or the answer is right all the same."""

import random
import shutil
from pathlib import Path

import pytest

from cauce.errors import SparkError
from cauce.session import Session
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash
from tests.recovery.jobs import JOBS, finish, run, write_input

BYTES_MAX = 4096
FLIPS = 1000
NAMES = ["windows in append mode", "joined with itself"]


@pytest.fixture(params=NAMES)
def damaged(request: pytest.FixtureRequest, session: Session, tmp_path: Path):
    """A job that died before its last commit, and a function that damages one file and lets it go on."""
    job, origin = JOBS[request.param], tmp_path / "origin"
    write_input(origin / "in")
    with pytest.raises(SimulatedCrash):
        run(job, origin, session, FaultyDisk(crash_before=0, only="/commits/.3."))
    folder = tmp_path / "job"
    expected = finish(job, _copy(origin, folder), session)

    def go_on(name: str, data: bytes) -> None:
        target = _copy(origin, folder) / name
        target.write_bytes(data)
        try:
            answer = finish(job, folder, session)
        except SparkError as error:
            assert target.name in str(error), f"{name} is not named in: {error}"
        else:
            assert answer == expected, f"a wrong answer after damage of {name}: {data!r}"

    return origin, go_on


def _copy(origin: Path, folder: Path) -> Path:
    """To the same place each time: the logs hold absolute paths."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(origin, folder)
    for log in [*folder.rglob("sources/0/[0-9]*"), *folder.rglob("_spark_metadata/[0-9]*")]:
        log.write_text(log.read_text().replace(str(origin), str(folder)))
        (log.parent / f".{log.name}.crc").unlink(missing_ok=True)
    return folder


def files_of(origin: Path) -> list[Path]:
    """The last file of every kind that the checkpoint has."""
    checkpoint = origin / "checkpoint"
    files = [path for path in sorted(checkpoint.rglob("*")) if path.is_file() and path.name != ".cauce.lock"]
    return list({(path.parent, path.suffix, path.name[0] == "."): path for path in files}.values())


def test_a_file_cut_at_any_byte_is_named(damaged, crash_stride: int) -> None:
    origin, go_on = damaged
    for path in files_of(origin):
        data = path.read_bytes()
        step = 1 if crash_stride == 1 else max(1, len(data) // 4)
        for size in range(0, min(len(data), BYTES_MAX), step):
            go_on(str(path.relative_to(origin)), data[:size])


def test_a_flipped_bit_is_named(damaged, crash_stride: int) -> None:
    origin, go_on = damaged
    chance = random.Random(crash_stride)
    files = files_of(origin)
    for i in range(FLIPS if crash_stride == 1 else 2 * len(files)):
        path = files[i % len(files)]
        data = bytearray(path.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        go_on(str(path.relative_to(origin)), bytes(data))

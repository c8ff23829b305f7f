"""The logs of file sources and file sinks: compaction, reading, forgetting, and Spark's own files."""

import os
from pathlib import Path

import pytest

from cauce.checkpoint import CompactionSettings, FileSourceLog, SinkFile, SinkLog, SourceFile
from cauce.clock import ManualClock
from cauce.conf import Conf
from cauce.errors import IllegalArgumentException, IllegalStateException
from cauce.files import LocalFileSystem
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash, count_operations

SPARK = Path(__file__).parent / "goldens" / "spark-4.2"
NAMES = [
    "a b",
    "c%20d",
    "é+ñ",
    "h#i?j",
    "k=1&l",
    "[m]{n}",
    "q;r,s",
    "t'u\"v",
    "w^x`y",
    "z|\\_~",
    "10",
    "11",
    "12",
]
HOUR_MS = 3_600_000


def sink_log(folder: Path, **settings: int) -> SinkLog:
    return SinkLog(LocalFileSystem(), str(folder), settings=CompactionSettings(**settings))


def source_log(folder: Path, **settings: int) -> FileSourceLog:
    return FileSourceLog(LocalFileSystem(), str(folder), settings=CompactionSettings(**settings))


def written(batch_id: int) -> list[SinkFile]:
    return [SinkFile(f"/out/part-{batch_id}", 10 + batch_id, 1000 + batch_id)]


def seen(batch_id: int) -> list[SourceFile]:
    return [SourceFile(f"/in/{batch_id}", 1000 + batch_id, batch_id)]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


# Spark's files


def test_the_source_log_of_spark_is_read_and_written_alike(tmp_path: Path) -> None:
    expected = [
        SourceFile(f"/golden/in/{name}.json", 1700000000000 + 1000 * i, i) for i, name in enumerate(NAMES)
    ]
    golden = source_log(SPARK / "stateless/sources/0")
    assert golden.all_files() == expected
    assert [golden.get(i) for i in range(13)] == [[file] for file in expected]

    mine = source_log(tmp_path)
    for file in expected:
        assert mine.add(file.batch_id, [file])
    assert_same_files(tmp_path, SPARK / "stateless/sources/0")


def test_the_sink_log_of_spark_is_read_and_written_alike(tmp_path: Path) -> None:
    golden = sink_log(SPARK / "stateless/_spark_metadata")
    files = golden.all_files()
    assert (len(files), files[0].size_bytes, golden.latest_id()) == (13, 14, 12)

    mine = sink_log(tmp_path)
    for batch_id, file in enumerate(files):
        assert mine.add(batch_id, [file])
    assert_same_files(tmp_path, SPARK / "stateless/_spark_metadata")
    assert mine.all_files() == files


def assert_same_files(mine: Path, golden: Path) -> None:
    visible = {path.name: path.read_bytes() for path in mine.iterdir() if not path.name.startswith(".")}
    assert visible == {path.name: path.read_bytes() for path in golden.iterdir()}


def test_escaped_output_folders_of_spark_are_read() -> None:
    (file,) = sink_log(SPARK / "escaped/_spark_metadata").all_files()
    assert file.path.startswith("/golden/out p/part-00000-")


# Compaction


def test_every_tenth_file_repeats_all_before_it(tmp_path: Path) -> None:
    log = sink_log(tmp_path)
    for batch_id in range(21):
        log.add(batch_id, written(batch_id))
    assert names(tmp_path) == {"9.compact", "19.compact"} | {str(n) for n in range(21) if n not in (9, 19)}
    everything = [file for n in range(21) for file in written(n)]
    for n in range(19):
        (tmp_path / ("9.compact" if n == 9 else str(n))).unlink()
    assert sink_log(tmp_path).all_files() == everything


def test_an_added_batch_stays_as_it_is(tmp_path: Path) -> None:
    log = sink_log(tmp_path)
    assert [log.add(0, written(0)), log.add(0, written(7)), log.add(1, []), log.add(0, written(7))] == (
        [True, False, True, False]
    )
    assert log.all_files() == written(0)
    assert source_log(tmp_path / "source").add(0, seen(0))
    assert not source_log(tmp_path / "source").add(0, seen(7))
    assert source_log(tmp_path / "source").get(0) == seen(0)


@pytest.mark.parametrize("lost", ["3", "9.compact", "10"])
def test_a_gap_since_the_last_compaction_is_named(tmp_path: Path, lost: str) -> None:
    log = sink_log(tmp_path)
    for batch_id in range(8 if lost == "3" else 12):
        log.add(batch_id, written(batch_id))
    (tmp_path / lost).unlink()
    with pytest.raises(IllegalStateException, match=f"{tmp_path}/{lost} is missing") as caught:
        log.all_files()
    assert caught.value.condition == "CHECKPOINT_DAMAGED.MISSING_FILE"


def test_a_gap_before_the_last_compaction_does_not_matter(tmp_path: Path) -> None:
    log = sink_log(tmp_path)
    for batch_id in range(12):
        log.add(batch_id, written(batch_id))
    (tmp_path / "3").unlink()
    assert len(log.all_files()) == 12


@pytest.mark.parametrize(
    ("wanted", "last_compacted", "then"),
    [(10, 4, 14), (10, 19, 29), (10, 11, 23), (3, 11, 14), (5, 11, 17), (100, 9, 19)],
)
def test_a_changed_interval_suits_the_files_that_are_there(
    tmp_path: Path, wanted: int, last_compacted: int, then: int
) -> None:
    log = sink_log(tmp_path, interval=last_compacted + 1)
    for batch_id in range(last_compacted + 2):
        log.add(batch_id, written(batch_id))
    restarted = sink_log(tmp_path, interval=wanted)
    for batch_id in range(last_compacted + 2, then + 1):
        restarted.add(batch_id, written(batch_id))
    assert names(tmp_path) >= {f"{last_compacted}.compact", f"{then}.compact"}
    assert len(restarted.all_files()) == then + 1


def test_expired_files_go_and_their_entries_stay(tmp_path: Path) -> None:
    """The same files remain as after 13 batches of Spark with these settings."""
    log = source_log(tmp_path, interval=3, batches_retained=2, cleanup_delay_ms=0)
    for batch_id in range(13):
        log.add(batch_id, seen(batch_id))
    assert names(tmp_path) == {"8.compact", "9", "10", "11.compact", "12"}
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == (
        {".8.compact.crc", ".9.crc", ".10.crc", ".11.compact.crc", ".12.crc"}
    )
    restarted = source_log(tmp_path, interval=3)
    assert [restarted.get(n) for n in range(13)] == [seen(n) for n in range(13)]


def test_a_slow_reader_is_given_time_before_files_go(tmp_path: Path) -> None:
    now_ms = 1_700_000_000_000
    clock = ManualClock(now_ms)
    settings = CompactionSettings(interval=2, batches_retained=1, cleanup_delay_ms=HOUR_MS)
    log = SinkLog(LocalFileSystem(), str(tmp_path), settings=settings, clock=clock)
    for batch_id in range(6):
        log.add(batch_id, written(batch_id))
        for path in tmp_path.iterdir():
            os.utime(path, ns=(0, now_ms * 1_000_000))
    assert "0" in names(tmp_path)
    clock.advance_ms(HOUR_MS)
    log.add(6, written(6))
    log.add(7, written(7))
    assert names(tmp_path) == {"5.compact", "6", "7.compact"}


def test_a_reader_survives_a_compaction_that_deletes_under_it(tmp_path: Path) -> None:
    settings = CompactionSettings(interval=3, batches_retained=1, cleanup_delay_ms=0)
    writer = sink_log(tmp_path, interval=3, batches_retained=1, cleanup_delay_ms=0)
    writer.add(0, written(0))

    class Overtaken(LocalFileSystem):
        """While the first file is read, the writer goes on for eight batches."""

        def read_bytes(self, path: str) -> bytes:
            if path.endswith("/0"):
                for batch_id in range(1, 9):
                    writer.add(batch_id, written(batch_id))
            return super().read_bytes(path)

    reader = SinkLog(Overtaken(), str(tmp_path), settings=settings)
    assert reader.all_files() == [file for n in range(9) for file in written(n)]


def test_a_retention_takes_old_files_out_of_the_answer(tmp_path: Path) -> None:
    clock = ManualClock(5000)
    log = SinkLog(LocalFileSystem(), str(tmp_path), clock=clock, retention_ms=4000)
    for batch_id in range(12):
        log.add(batch_id, written(batch_id))
    clock.advance_ms(5)
    assert [file.path for file in log.all_files()] == [f"/out/part-{n}" for n in range(5, 12)]


def test_an_input_of_an_offset_that_was_never_logged_is_an_error(tmp_path: Path) -> None:
    log = source_log(tmp_path)
    log.add(0, seen(0))
    with pytest.raises(IllegalStateException, match="batch 1 doesn't exist"):
        log.get(1)


def add_batches(disk: FaultyDisk, folder: Path, done: list[int]) -> None:
    settings = CompactionSettings(interval=2, batches_retained=1, cleanup_delay_ms=0)
    log = SinkLog(LocalFileSystem(disk), str(folder), settings=settings)
    log.settle()
    for batch_id in range(5):
        if log.add(batch_id, written(batch_id)):
            done.append(batch_id)


CRASH_POINTS = 49


def test_five_batches_with_two_compactions_have_this_many_crash_points(tmp_path: Path) -> None:
    assert count_operations(lambda disk: add_batches(disk, tmp_path / "log", [])) == CRASH_POINTS
    assert names(tmp_path / "log") == {"1.compact", "2", "3.compact", "4"}


@pytest.mark.parametrize("k", range(CRASH_POINTS))
@pytest.mark.parametrize("power", ["on", "lost", "lost at random"])
def test_whatever_the_crash_added_batches_stay_and_the_rest_can_follow(
    tmp_path: Path, k: int, power: str
) -> None:
    done: list[int] = []
    disk = FaultyDisk(crash_before=k)
    with pytest.raises(SimulatedCrash):
        add_batches(disk, tmp_path / "log", done)
    if power != "on":
        disk.lose_power(k if power == "lost at random" else None)
    there = len(sink_log(tmp_path / "log", interval=2).all_files())
    assert there in (len(done), len(done) + 1)

    disk = FaultyDisk()
    add_batches(disk, tmp_path / "log", [])
    disk.lose_power()
    assert sink_log(tmp_path / "log", interval=2).all_files() == [f for n in range(5) for f in written(n)]


@pytest.mark.parametrize("batches", range(1, 10))
@pytest.mark.parametrize("interval", [1, 2, 3, 5])
def test_an_interval_that_is_smaller_after_a_restart_finds_every_batch(
    tmp_path: Path, batches: int, interval: int
) -> None:
    """Apache Spark looks for a compacted file that was never written, and fails."""
    for n in range(batches):
        source_log(tmp_path).add(n, seen(n))
    log = source_log(tmp_path, interval=interval)
    for n in range(batches, batches + 7):
        assert log.add(n, seen(n))
        assert log.get(n - 1) == seen(n - 1)
    expected = [file for n in range(batches + 7) for file in seen(n)]
    assert log.all_files() == expected
    assert source_log(tmp_path, interval=interval).all_files() == expected
    assert source_log(tmp_path).all_files() == expected
    assert any(name.endswith(".compact") for name in names(tmp_path))


def test_a_lost_compacted_file_is_still_a_gap(tmp_path: Path) -> None:
    for n in range(12):
        source_log(tmp_path).add(n, seen(n))
    (tmp_path / "9.compact").unlink()
    with pytest.raises(IllegalStateException, match="must have no gap"):
        source_log(tmp_path, interval=2).all_files()


def test_settings_are_sparks(tmp_path: Path) -> None:
    prefix = "spark.sql.streaming.fileSource.log"
    conf = Conf(
        {f"{prefix}.compactInterval": "3", f"{prefix}.cleanupDelay": "2s", f"{prefix}.deletion": "false"}
    )
    assert CompactionSettings.of_source(conf) == CompactionSettings(3, False, 2000, 100)
    assert CompactionSettings.of_sink(conf) == CompactionSettings(10, True, 600_000, 100)
    with pytest.raises(IllegalArgumentException, match="Please set .*fileSource.log.compactInterval .was 0."):
        CompactionSettings.of_source(Conf({f"{prefix}.compactInterval": "0"}))

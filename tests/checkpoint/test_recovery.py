"""Where a query continues after every kind of damage, and where it refuses to."""

from pathlib import Path

import pytest

from cauce.checkpoint import Checkpoint, CommitEntry, OffsetEntry, recover
from cauce.errors import AnalysisException, IllegalStateException, SparkError, UnsupportedOperationException
from cauce.files import LocalFileSystem
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash, count_operations


def offsets(batch_id: int) -> OffsetEntry:
    return OffsetEntry(batch_id * 10, 1000 + batch_id, {}, (f'{{"logOffset":{batch_id}}}',))


def commit(batch_id: int) -> CommitEntry:
    return CommitEntry(batch_id * 10 + 10, {"0": batch_id})


def run(checkpoint: Checkpoint, batches: int) -> None:
    """What a query writes in its first batches."""
    checkpoint.metadata.read_or_create()
    for batch_id in range(batches):
        checkpoint.offsets.add(batch_id, offsets(batch_id))
        checkpoint.commits.add(batch_id, commit(batch_id))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint"


@pytest.fixture
def checkpoint(folder: Path) -> Checkpoint:
    """Batches 0 to 4 committed, batch 5 begun."""
    checkpoint = Checkpoint(LocalFileSystem(), str(folder))
    run(checkpoint, 5)
    checkpoint.offsets.add(5, offsets(5))
    return checkpoint


def refused(
    checkpoint: Checkpoint, error: type[SparkError] = IllegalStateException, **known: int
) -> SparkError:
    with pytest.raises(error) as caught:
        recover(checkpoint, **known)
    return caught.value


def test_a_new_query_has_nothing_to_recover(folder: Path) -> None:
    assert recover(Checkpoint(LocalFileSystem(), str(folder))) == (None, None)


def test_a_pending_batch_runs_again(checkpoint: Checkpoint) -> None:
    assert recover(checkpoint) == ((5, offsets(5)), (4, commit(4)))


def test_after_a_commit_nothing_is_pending(checkpoint: Checkpoint) -> None:
    checkpoint.commits.add(5, commit(5))
    assert recover(checkpoint) == ((5, offsets(5)), (5, commit(5)))


def test_the_first_batch_can_be_pending(folder: Path) -> None:
    checkpoint = Checkpoint(LocalFileSystem(), str(folder))
    checkpoint.metadata.read_or_create()
    checkpoint.offsets.add(0, offsets(0))
    assert recover(checkpoint) == ((0, offsets(0)), None)


@pytest.mark.parametrize("content", [b"", b"v1", b'v1\n{"batchWatermarkMs":50,"batch', b"\xff\xfe"])
def test_torn_offsets_of_a_batch_the_sink_never_saw_are_set_aside(
    checkpoint: Checkpoint, folder: Path, content: bytes
) -> None:
    (folder / "offsets/5").write_bytes(content)
    assert recover(checkpoint, sink_batch_id=4) == ((4, offsets(4)), (4, commit(4)))
    assert recover(checkpoint) == ((4, offsets(4)), (4, commit(4)))
    checkpoint.offsets.add(5, offsets(5))
    assert [path.read_bytes() for path in folder.glob("offsets/.5.*.damaged")] == [content]


@pytest.mark.parametrize("known", [{"sink_batch_id": 5}, {"sink_batch_id": 6}, {}])
def test_torn_offsets_of_a_batch_the_sink_may_hold_stop_the_query(
    checkpoint: Checkpoint, folder: Path, known: dict[str, int]
) -> None:
    (folder / "offsets/5").write_bytes(b"v1")
    error = refused(checkpoint, **known)
    assert error.condition == "CHECKPOINT_DAMAGED.LAST_OFFSETS"
    assert f"File {folder}/offsets/5: expected" in str(error) and "delete the file and start again" in str(
        error
    )
    assert (folder / "offsets/5").read_bytes() == b"v1"


def test_torn_offsets_of_a_committed_batch_stop_the_query(checkpoint: Checkpoint, folder: Path) -> None:
    checkpoint.commits.add(5, commit(5))
    (folder / "offsets/5").write_bytes(b"")
    assert refused(checkpoint, sink_batch_id=4).condition == "CHECKPOINT_DAMAGED.LAST_OFFSETS"


def test_a_torn_last_commit_stops_the_query(checkpoint: Checkpoint, folder: Path) -> None:
    (folder / "commits/4").write_bytes(b"")
    error = refused(checkpoint)
    assert error.condition == "CHECKPOINT_DAMAGED.LAST_COMMIT"
    assert f"{folder}/commits/4" in str(error) and "batch 4 then runs again" in str(error)
    (folder / "offsets/5").unlink()
    (folder / "commits/4").unlink()
    assert recover(checkpoint) == ((4, offsets(4)), (3, commit(3)))


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        (["offsets/4"], "offsets/4"),
        (["offsets/5", "offsets/4"], "offsets/4"),
        (["commits/4"], "commits/4"),
        (["commits/4", "commits/3", "commits/2", "commits/1", "commits/0"], "commits/4"),
    ],
)
def test_lost_files_stop_the_query_and_are_named(
    checkpoint: Checkpoint, folder: Path, lost: list[str], missing: str
) -> None:
    for name in lost:
        (folder / name).unlink()
    error = refused(checkpoint)
    assert error.condition == "CHECKPOINT_DAMAGED.MISSING_FILE"
    assert f"{folder}/{missing} is missing" in str(error)


def test_a_lost_identity_is_reported_in_sparks_words(checkpoint: Checkpoint, folder: Path) -> None:
    (folder / "metadata").unlink()
    error = refused(checkpoint, AnalysisException)
    assert error.condition == "STREAMING_CHECKPOINT_MISSING_METADATA_FILE"


def test_a_query_with_another_number_of_sources_cannot_continue(checkpoint: Checkpoint) -> None:
    error = refused(checkpoint, source_count=2)
    assert "There are [1] sources in the checkpoint offsets and now there are [2] sources" in str(error)
    assert recover(checkpoint, source_count=1)[0] == (5, offsets(5))


def test_state_written_by_apache_spark_is_refused(folder: Path) -> None:
    checkpoint = Checkpoint(LocalFileSystem(), str(folder))
    checkpoint.metadata.read_or_create()
    checkpoint.offsets.add(0, offsets(0))
    checkpoint.commits.add(0, CommitEntry(0, None))
    (folder / "state/0/_metadata").mkdir(parents=True)
    assert "written by Apache Spark" in str(refused(checkpoint, UnsupportedOperationException))


def test_unfinished_files_of_a_killed_writer_are_swept_away(checkpoint: Checkpoint, folder: Path) -> None:
    (folder / "sources/0").mkdir(parents=True)
    left = [".metadata.a1.tmp", "offsets/.6.b2.tmp", "commits/.5.c3.TID7.tmp", "sources/0/..6.d4.tmp.crc"]
    for name in left:
        (folder / name).write_bytes(b"half")
    recover(checkpoint)
    assert [name for name in left if (folder / name).exists()] == []


OPERATIONS = 69


def test_three_batches_have_this_many_crash_points(tmp_path: Path) -> None:
    def scenario(disk: FaultyDisk) -> None:
        run(Checkpoint(LocalFileSystem(disk), str(tmp_path / "count")), 3)

    assert count_operations(scenario) == OPERATIONS


@pytest.mark.parametrize("k", range(OPERATIONS))
@pytest.mark.parametrize("power", ["on", "lost", "lost at random"])
def test_whatever_the_crash_a_finished_write_is_kept_and_the_query_continues(
    folder: Path, k: int, power: str
) -> None:
    finished: list[tuple[str, int]] = []
    disk = FaultyDisk(crash_before=k)
    writer = Checkpoint(LocalFileSystem(disk), str(folder))
    with pytest.raises(SimulatedCrash):
        writer.metadata.read_or_create()
        for batch_id in range(3):
            writer.offsets.add(batch_id, offsets(batch_id))
            finished.append(("offsets", batch_id))
            writer.commits.add(batch_id, commit(batch_id))
            finished.append(("commits", batch_id))
    if power != "on":
        disk.lose_power(k if power == "lost at random" else None)

    checkpoint = Checkpoint(LocalFileSystem(), str(folder))
    last_offsets, last_commit = recover(checkpoint)
    started = -1 if last_offsets is None else last_offsets[0]
    committed = -1 if last_commit is None else last_commit[0]
    assert started >= max((n for log, n in finished if log == "offsets"), default=-1)
    assert committed >= max((n for log, n in finished if log == "commits"), default=-1)
    assert last_offsets is None or last_offsets == (started, offsets(started))
    assert last_commit is None or last_commit == (committed, commit(committed))

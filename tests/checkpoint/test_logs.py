"""Adding to, reading and purging the offset and commit logs."""

from pathlib import Path

import pytest

from cauce.checkpoint import Checkpoint, CommitEntry, OffsetEntry, locked_conf, restore_locked_conf
from cauce.conf import Conf
from cauce.errors import ConcurrentModificationException, UnsupportedOperationException
from cauce.files import LocalFileSystem
from cauce.testing.faulty_disk import FaultyDisk

ENTRY = OffsetEntry(5, 7, {"spark.sql.shuffle.partitions": "2"}, ('{"logOffset":0}', None))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(LocalFileSystem(), str(tmp_path / "checkpoint"))


def test_a_new_checkpoint_is_empty(checkpoint: Checkpoint) -> None:
    assert (checkpoint.offsets.latest(), checkpoint.commits.latest()) == (None, None)
    assert (checkpoint.offsets.get(0), checkpoint.metadata.read()) == (None, None)


def test_the_latest_batch_is_the_highest_number(checkpoint: Checkpoint) -> None:
    for batch_id in range(11):
        checkpoint.offsets.add(batch_id, ENTRY)
        checkpoint.commits.add(batch_id, CommitEntry(batch_id, None))
    assert checkpoint.offsets.latest() == (10, ENTRY)
    assert checkpoint.commits.latest() == (10, CommitEntry(10, None))


def test_a_batch_is_written_once(checkpoint: Checkpoint) -> None:
    checkpoint.offsets.add(3, ENTRY)
    checkpoint.commits.add(3, CommitEntry(0, None))
    for again in (
        lambda: checkpoint.offsets.add(3, OffsetEntry(0, 0, {}, ())),
        lambda: checkpoint.commits.add(3, CommitEntry(9, None)),
    ):
        with pytest.raises(
            ConcurrentModificationException, match="Multiple streaming jobs detected for 3"
        ) as caught:
            again()
        assert caught.value.condition == "CONCURRENT_STREAM_LOG_UPDATE"
    assert checkpoint.offsets.latest() == (3, ENTRY)
    assert checkpoint.commits.latest() == (3, CommitEntry(0, None))


def test_hidden_and_foreign_names_are_no_batches(checkpoint: Checkpoint, tmp_path: Path) -> None:
    checkpoint.offsets.add(1, ENTRY)
    for name in (".2.crc", ".2.a1b2.tmp", "2.tmp", "_2", "02", "2 ", "notes"):
        (tmp_path / "checkpoint" / "offsets" / name).write_text("anything")
    assert checkpoint.offsets.latest() == (1, ENTRY)


def test_a_commit_of_a_stateful_query_refers_to_its_state(checkpoint: Checkpoint, tmp_path: Path) -> None:
    entry = CommitEntry(10, {"0": {"version": 4, "file": "état.arrow"}})
    checkpoint.commits.add(3, entry)
    assert checkpoint.commits.get(3) == entry
    assert (tmp_path / "checkpoint/commits/3").read_text() == (
        'v1\n{"nextBatchWatermarkMs":10,"cauceState":{"0":{"version":4,"file":"état.arrow"}}}'
    )


@pytest.mark.parametrize("kept", [1, 2, 9])
def test_purged_batches_are_gone_with_their_checksums(
    checkpoint: Checkpoint, tmp_path: Path, kept: int
) -> None:
    for batch_id in range(10):
        checkpoint.offsets.add(batch_id, ENTRY)
        checkpoint.offsets.purge(batch_id + 1 - kept)
    first = 10 - kept
    names = {path.name for path in (tmp_path / "checkpoint/offsets").iterdir()}
    assert names == {name for n in range(first, 10) for name in (str(n), f".{n}.crc")}


def test_a_purge_after_a_restart_finds_what_an_earlier_run_left(checkpoint: Checkpoint) -> None:
    for batch_id in range(10):
        checkpoint.commits.add(batch_id, CommitEntry(0, None))
    Checkpoint(checkpoint.file_system, checkpoint.path).commits.purge(8)
    assert checkpoint.commits.folder.batch_ids() == [8, 9]


def test_a_checksum_of_an_earlier_life_does_not_condemn_a_new_file(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    checkpoint.offsets.add(3, ENTRY)
    (tmp_path / "checkpoint/offsets/3").unlink()
    checkpoint.offsets.add(3, OffsetEntry(1, 1, {}, ("1",)))
    assert checkpoint.offsets.get(3) == OffsetEntry(1, 1, {}, ("1",))


def test_adding_a_batch_makes_these_changes_of_the_disk_and_no_others(tmp_path: Path) -> None:
    disk = FaultyDisk()
    checkpoint = Checkpoint(LocalFileSystem(disk), str(tmp_path))
    checkpoint.offsets.add(0, ENTRY)
    checkpoint.commits.add(0, CommitEntry(0, None))
    write = ["sync", "link", "unlink", "sync_folder", "create", "write"]
    assert [operation.kind for operation in disk.operations] == (
        ["make_dir", "sync_folder", "unlink", "create", "write", *write] * 2
    )
    first = disk.golden(str(tmp_path))[:11]
    assert first == [
        "make_dir offsets",
        "sync_folder .",
        "unlink offsets/.0.crc",
        "create offsets/.0.<uuid>.tmp",
        "write offsets/.0.<uuid>.tmp 108",
        "sync offsets/.0.<uuid>.tmp",
        "link offsets/.0.<uuid>.tmp offsets/0",
        "unlink offsets/.0.<uuid>.tmp",
        "sync_folder offsets",
        "create offsets/.0.crc",
        "write offsets/.0.crc 12",
    ]


def test_settings_of_the_checkpoint_win_over_the_session() -> None:
    session = Conf({"spark.sql.shuffle.partitions": "200", "spark.sql.session.timeZone": "UTC"})
    recorded = {**locked_conf(session), "spark.sql.shuffle.partitions": "2", "unrelated": "x"}
    restored = restore_locked_conf(session, recorded)
    assert restored.get("spark.sql.shuffle.partitions") == "2"
    assert restored.get("spark.sql.session.timeZone") == "UTC"
    assert "unrelated" not in restored.values


def test_a_checkpoint_older_than_a_setting_keeps_the_old_behaviour() -> None:
    session = Conf(
        {"spark.sql.streaming.multipleWatermarkPolicy": "max", "spark.sql.shuffle.partitions": "7"}
    )
    restored = restore_locked_conf(session, {})
    assert restored.get("spark.sql.streaming.multipleWatermarkPolicy") == "min"
    assert restored.get("spark.sql.streaming.join.stateFormatVersion") == "1"
    assert restored.get("spark.sql.shuffle.partitions") == "7"


def test_named_sources_and_control_batches_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "checkpoint/offsets").mkdir(parents=True)
    metadata = '{"batchWatermarkMs":0,"batchTimestampMs":0,"conf":{}%s}'
    (tmp_path / "checkpoint/offsets/0").write_text(f"v2\n{metadata % ''}\nclicks:1")
    with pytest.raises(UnsupportedOperationException, match="named sources .clicks."):
        checkpoint.offsets.get(0)
    control = ',"controlBatchInfo":{"operationType":"repartition"}'
    (tmp_path / "checkpoint/offsets/0").write_text(f"v2\n{metadata % control}\n0:1")
    with pytest.raises(UnsupportedOperationException, match="control batch"):
        checkpoint.offsets.get(0)


def test_version_2_offsets_come_in_the_order_of_the_sources(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "checkpoint/offsets").mkdir(parents=True)
    lines = [f'{number}:{{"logOffset":{number}}}' for number in (10, 2, 1, 0, 9, 3, 8, 4, 7, 5)] + ["6:-"]
    text = "\n".join(["v2", '{"batchWatermarkMs":0,"batchTimestampMs":0,"conf":{}}', *lines])
    (tmp_path / "checkpoint/offsets/0").write_text(text)
    entry = checkpoint.offsets.get(0)
    assert entry is not None
    assert entry.offsets == tuple(None if n == 6 else f'{{"logOffset":{n}}}' for n in range(11))

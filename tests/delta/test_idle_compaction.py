"""While a query is idle its Delta sink puts small files together; nobody who reads the table notices."""

import threading

import pytest

from cauce.clock import SystemClock
from cauce.delta import compaction
from cauce.delta.compaction import compact_when_idle
from cauce.delta.log import DeltaLog
from cauce.delta.reading import read_files
from cauce.files import LocalFileSystem
from cauce.testing import FaultyDisk, SimulatedCrash
from tests.delta.conftest import operations


@pytest.fixture
def batches(spark, tmp_path):
    """A stream of so many batches of one row each."""

    def add(count, first=0):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        for i in range(first, first + count):
            (folder / f"{i:05d}.json").write_text(f'{{"id": {i}, "half": {i % 2}}}')
        reader = spark.readStream.schema("id long, half int").option("maxFilesPerTrigger", 1)
        return reader.json(str(folder))

    return add


def files(path):
    return len(DeltaLog.open(path).existing().files)


def ids(path):
    snapshot = DeltaLog.open(path).existing()
    return sorted(read_files(path, list(snapshot.files.values()), snapshot.table)["id"].to_pylist())


def test_after_the_last_batch_small_files_become_one(spark, batches, drain, path):
    query = drain(batches(10).writeStream.format("delta").option("autoCompactWhenIdle", True), path)
    assert operations(path) == [*["STREAMING UPDATE"] * 10, "OPTIMIZE"]
    assert (files(path), ids(path)) == (1, list(range(10)))
    metrics = query.lastProgress["sink"]["metrics"]
    assert (metrics["numFiles"], metrics["numSmallFiles"]) == ("10", "10")
    assert int(metrics["avgFileSizeInBytes"]) == int(metrics["sizeInBytes"]) // 10
    assert (metrics["tableVersion"], metrics["numVersionsSinceCheckpoint"]) == ("9", "9")


def test_a_stream_that_reads_the_table_sees_no_change(spark, batches, drain, path):
    writer = spark.readStream.format("delta")
    drain(batches(9).writeStream.format("delta"), path)
    copy = writer.load(path).writeStream.format("delta")
    drain(copy, f"{path}-copy", name="copy")
    drain(batches(1, 9).writeStream.format("delta").option("autoCompactWhenIdle", True), path)
    assert operations(path)[-1] == "OPTIMIZE"
    drain(copy, f"{path}-copy", name="copy")
    assert ids(f"{path}-copy") == list(range(10))


def test_a_setting_and_a_table_property_do_the_same(spark, batches, drain, path):
    drain(batches(10).writeStream.format("delta"), path)
    assert "OPTIMIZE" not in operations(path)
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('cauce.autoCompactWhenIdle' = 'true')")
    drain(batches(1, 10).writeStream.format("delta"), path)
    assert operations(path)[-1] == "OPTIMIZE"
    spark.conf.set("cauce.sql.delta.autoCompactWhenIdle", "true")
    drain(batches(9).writeStream.format("delta"), f"{path}2", name="second")
    assert operations(f"{path}2")[-1] == "OPTIMIZE"


def test_partitions_are_put_together_one_at_a_time(batches, drain, path):
    writer = batches(18).writeStream.format("delta").partitionBy("half")
    drain(writer.option("autoCompactWhenIdle", True), path)
    assert operations(path)[-2:] == ["STREAMING UPDATE", "OPTIMIZE"]
    assert files(path) == 10
    assert compact_when_idle(DeltaLog.open(path), SystemClock())
    assert not compact_when_idle(DeltaLog.open(path), SystemClock())
    assert (files(path), ids(path)) == (2, list(range(18)))


def test_few_files_and_many_bytes_are_left_alone(batches, drain, path, monkeypatch):
    drain(batches(7).writeStream.format("delta").option("autoCompactWhenIdle", True), path)
    assert files(path) == 7
    drain(batches(3, 7).writeStream.format("delta"), path)
    monkeypatch.setattr(compaction, "SMALL_FILE_BYTES_MAX", 100)
    assert not compact_when_idle(DeltaLog.open(path), SystemClock())


def test_work_of_one_idle_moment_is_bounded(batches, drain, path, monkeypatch):
    drain(batches(20).writeStream.format("delta"), path)
    monkeypatch.setattr(compaction, "IDLE_FILES_MAX", 12)
    assert compact_when_idle(DeltaLog.open(path), SystemClock())
    assert files(path) == 9


def test_a_query_that_waits_for_data_compacts_and_goes_on(spark, batches, path, tmp_path):
    writer = batches(9).writeStream.format("delta").option("autoCompactWhenIdle", True)
    query = writer.option("checkpointLocation", f"{tmp_path}/cp").start(path)
    query.processAllAvailable()
    query.processAllAvailable()  # the moment of idleness lies between the two answers
    assert operations(path)[-1] == "OPTIMIZE"
    batches(1, 9)
    query.processAllAvailable()
    query.stop()
    assert ids(path) == list(range(10))


def test_rows_written_meanwhile_stay(batches, drain, path):
    drain(batches(9).writeStream.format("delta"), path)
    stop, log = threading.Event(), DeltaLog.open(path)

    def compact():
        while not stop.wait(0.01):
            compact_when_idle(log, SystemClock())

    rival = threading.Thread(target=compact)
    rival.start()
    drain(batches(12, 9).writeStream.format("delta").option("autoCompactWhenIdle", True), path)
    stop.set()
    rival.join()
    assert ids(path) == list(range(21))
    assert "OPTIMIZE" in operations(path)


@pytest.mark.parametrize("power_loss", [False, True])
def test_killed_at_any_step_the_table_has_all_rows(batches, drain, path, power_loss):
    drain(batches(9).writeStream.format("delta"), path)
    for operation in range(100):
        disk = FaultyDisk(crash_before=operation)
        try:
            compact_when_idle(DeltaLog(LocalFileSystem(disk), path), SystemClock())
        except SimulatedCrash:
            if power_loss:
                disk.lose_power()
        assert ids(path) == list(range(9))
        if "OPTIMIZE" in operations(path):
            break
    assert operation >= 5
    assert files(path) == 1

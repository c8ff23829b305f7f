"""Back to an earlier batch: all of it or nothing; what was removed is kept, and the query goes on."""

import shutil
import subprocess
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cauce.checkpoint import owned, recover, rewind
from cauce.errors import SparkError
from cauce.files import Disk
from cauce.streaming.stored_state import state_files
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash, count_operations
from tests.stored_state.queries import checkpoint_of, continue_counts, counted

BATCHES = (["a", "b"], ["a", "c"], ["a"])
AFTER = [{"a": 1, "b": 1}, {"a": 2, "b": 1, "c": 1}, {"a": 3, "b": 1, "c": 1}]


def go_back(path: Path, batch_id: int, disk: Disk | None = None) -> Path:
    checkpoint = checkpoint_of(path, disk)
    later = [i for i in checkpoint.commits.folder.batch_ids() if i > batch_id]
    commits = [checkpoint.commits.get(i) for i in later]
    names = {name for commit in commits if commit for name in state_files(checkpoint, commit.state or {})}
    with owned(checkpoint):
        return Path(rewind(checkpoint, batch_id, sorted(names)))


def test_the_query_repeats_what_was_removed(spark: SparkSession, tmp_path: Path) -> None:
    path = continue_counts(spark, tmp_path, *BATCHES)
    go_back(path, 0)
    assert counted(spark, path) == AFTER[0]
    continue_counts(spark, tmp_path)
    assert counted(spark, path) == AFTER[2]


def test_the_backup_can_be_put_back(spark: SparkSession, tmp_path: Path) -> None:
    path = continue_counts(spark, tmp_path, *BATCHES)
    backup = go_back(path, 0)
    subprocess.run(["cp", "-rn", f"{backup}/.", str(path)], check=False)  # as the page about state says
    assert counted(spark, path) == AFTER[2]
    continue_counts(spark, tmp_path, ["z"])
    assert counted(spark, path) == {**AFTER[2], "z": 1}


def test_the_backup_outlives_the_batches_that_run_again(spark: SparkSession, tmp_path: Path) -> None:
    path = continue_counts(spark, tmp_path, *BATCHES)
    backup = go_back(path, 1)
    spark.conf.set("spark.sql.streaming.minBatchesToRetain", "1")
    continue_counts(spark, tmp_path, ["x"], ["y"], ["z"])
    kept = [file.name for file in (backup / "state").rglob("*.arrow")]
    assert kept and all((backup / "state" / "0" / "default" / name).stat().st_size for name in kept)


@pytest.mark.parametrize("batch_id", [-1, 3, 17])
def test_only_a_retained_batch_can_be_gone_back_to(
    spark: SparkSession, tmp_path: Path, batch_id: int
) -> None:
    path = continue_counts(spark, tmp_path, *BATCHES)
    with pytest.raises(SparkError, match="is not retained in .* Retained and committed: 0 to 2"):
        go_back(path, batch_id)
    assert counted(spark, path) == AFTER[2]


@pytest.mark.parametrize("power_loss", [False, True])
def test_a_crash_rewinds_everything_or_nothing(spark: SparkSession, tmp_path: Path, power_loss: bool) -> None:
    path = continue_counts(spark, tmp_path, *BATCHES)
    intact = Path(shutil.copytree(path, tmp_path / "intact"))
    found = []
    for k in range(count_operations(lambda disk: go_back(_again(intact, path), 0, disk))):
        disk = FaultyDisk(crash_before=k)
        with pytest.raises(SimulatedCrash):
            go_back(_again(intact, path), 0, disk)
        if power_loss:
            disk.lose_power(seed=k)
        offsets, commit = recover(checkpoint_of(path))
        assert offsets is not None and commit is not None
        found.append((offsets[0], commit[0]))
        assert counted(spark, path) == AFTER[commit[0]]
    assert set(found) == {(2, 2), (0, 0)}
    assert found == sorted(found, reverse=True), "once it is decided it stays so"
    continue_counts(spark, tmp_path)
    assert counted(spark, path) == AFTER[2]


def _again(intact: Path, path: Path) -> Path:
    shutil.rmtree(path)
    return Path(shutil.copytree(intact, path))

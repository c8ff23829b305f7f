"""A copy of a checkpoint continues like the original, also when it is taken from a running query."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cauce.errors import SparkError
from cauce.streaming.stored_state import copy_checkpoint
from tests.stored_state.queries import add, checkpoint_of, continue_counts, counted, counts, writer


def test_a_copy_of_a_running_query_continues_alone(spark: SparkSession, tmp_path: Path) -> None:
    add(tmp_path / "in", "a", "b")
    query = writer(counts(spark, tmp_path), tmp_path).start()
    query.processAllAvailable()
    other = tmp_path / "other"
    other.mkdir()
    batch_id = copy_checkpoint(checkpoint_of(tmp_path / "checkpoint"), checkpoint_of(other / "checkpoint"))
    add(tmp_path / "in", "a")
    query.processAllAvailable()
    query.stop()
    assert batch_id == 0
    assert counted(spark, other / "checkpoint") == {"a": 1, "b": 1}
    writer(counts(spark, tmp_path), other).trigger(availableNow=True).start().awaitTermination()
    assert counted(spark, other / "checkpoint") == counted(spark, tmp_path / "checkpoint") == {"a": 2, "b": 1}


def test_a_copy_may_be_a_query_of_its_own(spark: SparkSession, tmp_path: Path) -> None:
    source = checkpoint_of(continue_counts(spark, tmp_path, ["a"]))
    same, other = checkpoint_of(tmp_path / "same"), checkpoint_of(tmp_path / "other")
    copy_checkpoint(source, same)
    copy_checkpoint(source, other, new_id=True)
    assert same.metadata.read() == source.metadata.read() != other.metadata.read()


def test_nothing_is_overwritten(spark: SparkSession, tmp_path: Path) -> None:
    source = checkpoint_of(continue_counts(spark, tmp_path, ["a"]))
    (tmp_path / "there").mkdir()
    with pytest.raises(SparkError, match="is there already: name a new folder"):
        copy_checkpoint(source, checkpoint_of(tmp_path / "there"))
    with pytest.raises(SparkError, match="is no checkpoint"):
        copy_checkpoint(checkpoint_of(tmp_path / "there"), checkpoint_of(tmp_path / "new"))
    assert list(tmp_path.glob("*.partial")) == []

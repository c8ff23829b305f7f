"""A small query over a checkpoint: how often each value was seen, and when last."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cauce.checkpoint import Checkpoint
from cauce.files import Disk, LocalFileSystem
from cauce.streaming.stored_state import StoredStore, stores_of

__all__ = ["add", "checkpoint_of", "continue_counts", "counted", "counts", "store_of", "writer"]


def add(folder: Path, *values: str | None) -> None:
    """One file of values: one batch."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.iterdir()))
    lines = ["{}" if value is None else f'{{"value":"{value}"}}' for value in values]
    (folder / f"{number:03}.json").write_text("".join(f"{line}\n" for line in lines))


def counts(spark: SparkSession, folder: Path) -> DataFrame:
    values = spark.readStream.schema("value string").option("maxFilesPerTrigger", 1).json(str(folder / "in"))
    return values.groupBy("value").agg(F.count("*"))


def writer(frame: DataFrame, folder: Path):
    query = frame.writeStream.format("noop").outputMode("update")
    return query.option("checkpointLocation", str(folder / "checkpoint"))


def continue_counts(spark: SparkSession, folder: Path, *batches: list[str | None]) -> Path:
    """Count these batches too, then stop; the checkpoint's path."""
    for batch in batches:
        add(folder / "in", *batch)
    writer(counts(spark, folder), folder).trigger(availableNow=True).start().awaitTermination()
    return folder / "checkpoint"


def counted(spark: SparkSession, checkpoint: Path, **options: object) -> dict[str | None, int]:
    """The counts as the state has them."""
    state = spark.read.format("statestore").options(**options).load(str(checkpoint))
    return {row.value: row["count"] for row in state.select("key.value", "value.count").collect()}


def checkpoint_of(path: Path, disk: Disk | None = None) -> Checkpoint:
    return Checkpoint(LocalFileSystem(disk), str(path))


def store_of(checkpoint: Checkpoint) -> StoredStore:
    """The only store."""
    (store,) = stores_of(checkpoint)
    return store

"""Whole batches through Python: mapInPandas, mapInArrow, and applyInPandas per key."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyspark.sql import SparkSession
from verbs import Events, process


def shout(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for frame in frames:
        yield frame[frame.second > 1].assign(value=frame.value.str.upper())[["second", "value"]]


def doubled(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        twice = [value.as_py() * 2 for value in batch.column("value")]
        yield pa.RecordBatch.from_arrays([pa.array(twice, pa.string())], names=["value"])


def largest(group: pd.DataFrame) -> pd.DataFrame:
    return group.nlargest(1, "second")[["value", "second"]]


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add(1, (2, "b"), (3, "b"), (4, "c"))
    stream = events.frame.select("second", "value")
    return {
        "pandas": process(stream.mapInPandas(shout, "second double, value string"), directory, name="p"),
        "arrow": process(stream.mapInArrow(doubled, "value string"), directory, name="a"),
        "groups": process(
            stream.groupBy("value").applyInPandas(largest, "value string, second double"), directory, name="g"
        ),
    }

"""Rows of Arrow as one pandas frame per group, and the frames a user's function gives as Arrow again."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.errors import PySparkRuntimeError, PySparkTypeError
from pyspark.sql.conversion import ArrowBatchTransformer, PandasToArrowConversion
from pyspark.sql.types import StructType

from cauce.streaming.operators.pandas_concat import concat_frames

__all__ = ["checked_frames", "frames_of", "frames_to_arrow", "key_tuples"]


def frames_of(rows: pa.Table, lengths: np.ndarray, time_zone: str) -> Iterator[pd.DataFrame]:
    """Consecutive rows as frames of these lengths, with indexes that start at zero.

    The frames are views of one large frame: making each from Arrow would cost ten times as much.
    """
    everything = as_frame(rows, time_zone)
    start = 0
    for length in lengths.tolist():
        frame = everything.iloc[start : start + length]
        frame.index = pd.RangeIndex(length)
        frame._is_copy = None  # its rows belong to no other group: assigning to it is no mistake
        start += length
        yield frame


def as_frame(rows: pa.Table, time_zone: str) -> pd.DataFrame:
    """The whole table as Spark's Python worker would see it."""
    series = ArrowBatchTransformer.to_pandas(rows.combine_chunks(), timezone=time_zone)
    return pd.concat(series, axis=1)


def key_tuples(keys: pa.Table, time_zone: str) -> list[tuple[Any, ...]]:
    """The keys as the function gets them: what pandas gives for a single value."""
    series = ArrowBatchTransformer.to_pandas(keys, timezone=time_zone)
    return list(zip(*(list(column.array) for column in series), strict=True))


def checked_frames(result: Any, schema: StructType) -> Iterator[pd.DataFrame]:
    """The frames a function gave, or PySpark's error for what is none."""
    if isinstance(result, pd.DataFrame):
        raise _wrong_type("iterable of pandas.DataFrame", type(result).__name__)
    try:
        frames = iter(result)
    except TypeError:
        raise _wrong_type("iterable", type(result).__name__) from None
    for frame in frames:
        if not isinstance(frame, pd.DataFrame):
            raise _wrong_type("iterator of pandas.DataFrame", f"iterator of {type(frame).__name__}")
        width = len(frame.columns)
        if width != len(schema) and not (width == 0 and frame.empty):
            raise PySparkRuntimeError(
                errorClass="RESULT_COLUMN_SCHEMA_MISMATCH",
                messageParameters={"expected": str(len(schema)), "actual": str(width)},
            )
        yield frame


def frames_to_arrow(frames: Sequence[pd.DataFrame], schema: StructType, time_zone: str) -> pa.Table | None:
    """The rows of all frames, with columns found by name; None without any."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return None
    batch = PandasToArrowConversion.convert(
        concat_frames(filled), schema, timezone=time_zone, arrow_cast=True, assign_cols_by_name=True
    )
    return pa.Table.from_batches([batch])


def _wrong_type(expected: str, actual: str) -> PySparkTypeError:
    return PySparkTypeError(
        errorClass="UDF_RETURN_TYPE", messageParameters={"expected": expected, "actual": actual}
    )

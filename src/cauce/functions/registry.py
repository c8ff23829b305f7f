"""The functions by the names under which SQL and DataFrame programs call them."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql.types import ArrayType, DataType, FloatType, IntegerType, LongType, StringType, TimestampType

from cauce.functions import calendar, float_arrays, numbers

__all__ = ["SUPPLIED", "SuppliedFunction"]


@dataclass(frozen=True)
class SuppliedFunction:
    """What is called with a pa.Array per argument, all of one length, and the type it gives."""

    run: Callable[..., pa.Array]
    result: DataType


SUPPLIED: dict[str, SuppliedFunction] = {
    "bitmap_bit_position": SuppliedFunction(numbers.bitmap_bit_position, LongType()),
    "bitmap_bucket_number": SuppliedFunction(numbers.bitmap_bucket_number, LongType()),
    "conv": SuppliedFunction(numbers.conv, StringType()),
    "date_diff": SuppliedFunction(calendar.date_diff, IntegerType()),
    "datediff": SuppliedFunction(calendar.date_diff, IntegerType()),
    "timestamp_seconds": SuppliedFunction(numbers.timestamp_seconds, TimestampType()),
    "vector_norm": SuppliedFunction(float_arrays.vector_norm, FloatType()),
    "vector_normalize": SuppliedFunction(float_arrays.vector_normalize, ArrayType(FloatType())),
    "weekday": SuppliedFunction(calendar.weekday, IntegerType()),
}

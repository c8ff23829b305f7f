"""The types aggregates take and give, by Spark's rules, whatever the engine makes of the same call."""

from collections.abc import Sequence
from typing import Any

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FractionalType,
    LongType,
    NullType,
    NumericType,
    StringType,
    StructType,
)

__all__ = ["argument_type", "result_type"]

LONGS = {"approx_count_distinct", "count", "count_if", "regr_count"}
BOOLEANS = {"any", "bool_and", "bool_or", "every", "some"}
ARRAYS = {"array_agg", "collect_list", "collect_set"}
SUMS = {"sum", "try_sum"}
AVERAGES = {"avg", "mean", "try_avg"}
SAME = {
    "any_value", "bit_and", "bit_or", "bit_xor", "first", "first_value", "last", "last_value", "listagg",
    "max", "max_by", "min", "min_by", "mode", "string_agg",
}  # fmt: skip
APPROXIMATE_PERCENTILES = {"approx_percentile", "percentile_approx"}
ANY_ARGUMENT = {*SAME, *ARRAYS, *LONGS, *BOOLEANS, *APPROXIMATE_PERCENTILES} - {"regr_count"}
"""The others take numbers, and read text as a double."""


def argument_type(function: str, given: DataType) -> DataType:
    """The type an argument is cast to before it is aggregated; mostly the one it has."""
    if function in ANY_ARGUMENT or isinstance(given, NumericType | DayTimeIntervalType):
        return given
    return DoubleType() if isinstance(given, StringType | NullType) else given


def result_type(function: str, arguments: Sequence[DataType], parameters: Sequence[Any]) -> DataType:
    """The type of a call over arguments of these types."""
    if function in LONGS:
        return LongType()
    if function in BOOLEANS:
        return BooleanType()
    first = arguments[0]
    if function in SAME:
        return first
    if function in ARRAYS:
        return ArrayType(first, containsNull=False)
    if function == "histogram_numeric":
        return ArrayType(StructType().add("x", first).add("y", DoubleType()))
    if function in SUMS:
        return _sum_type(first)
    if function in AVERAGES:
        return _average_type(first)
    percentile = first if function in APPROXIMATE_PERCENTILES else DoubleType()
    is_many = function in {"percentile", *APPROXIMATE_PERCENTILES} and isinstance(parameters[0], list)
    return ArrayType(percentile, containsNull=False) if is_many else percentile


def _sum_type(given: DataType) -> DataType:
    if isinstance(given, DecimalType):
        return DecimalType(min(given.precision + 10, 38), given.scale)
    if isinstance(given, DayTimeIntervalType):
        return given
    return DoubleType() if isinstance(given, FractionalType) else LongType()


def _average_type(given: DataType) -> DataType:
    if isinstance(given, DecimalType):
        return DecimalType(min(given.precision + 4, 38), min(given.scale + 4, 38))
    return given if isinstance(given, DayTimeIntervalType) else DoubleType()

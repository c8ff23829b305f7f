"""Columns that live in folder names: `year=2026/month=03/`."""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import unquote

from pyspark.sql.types import (
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NullType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

__all__ = ["DEFAULT_PARTITION", "escape_name", "infer_partition_schema", "partition_values"]

DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"

ESCAPED = frozenset("\"#%'*/:=?\\{[]^\x7f") | {chr(code) for code in range(1, 0x20)}

WIDENING: tuple[type[DataType], ...] = (NullType, IntegerType, LongType, DecimalType, DoubleType)


def escape_name(text: str) -> str:
    """Characters that file systems or Hive's partition syntax reserve, as `%XX`."""
    return "".join(f"%{ord(character):02X}" if character in ESCAPED else character for character in text)


def partition_values(path: str, base: str | None) -> dict[str, str | None]:
    """The `name=value` folders between `base` and a file, decoded; None is the null partition."""
    relative = os.path.relpath(path, base) if base else path
    values: dict[str, str | None] = {}
    for folder in relative.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if equals and name and value:
            values[unquote(name)] = None if value == DEFAULT_PARTITION else unquote(value)
    return values


def infer_partition_schema(
    partitions: Iterable[Mapping[str, str | None]], declared: StructType | None, *, infer_types: bool
) -> StructType:
    """The partition columns of all files, in folder order: as declared, else as their values suggest."""
    values: dict[str, list[str | None]] = {}
    for partition in partitions:
        for name, value in partition.items():
            values.setdefault(name, []).append(value)
    fields = {field.name.lower(): field for field in declared or ()}
    return StructType(
        [
            fields.get(name.lower())
            or StructField(name, _common_type(found) if infer_types else StringType())
            for name, found in values.items()
        ]
    )


def _common_type(values: Iterable[str | None]) -> DataType:
    kinds = {_type_of(value) for value in set(values)} - {NullType()}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds and all(isinstance(kind, WIDENING) for kind in kinds):
        return max(kinds, key=lambda kind: WIDENING.index(type(kind)))
    if kinds == {DateType(), TimestampType()}:
        return TimestampType()
    return StringType()


def _type_of(value: str | None) -> DataType:
    if value is None:
        return NullType()
    if re.fullmatch(r"[+-]?\d+", value):
        return _integer_type(int(value))
    if _parses(float, value) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return DoubleType()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) and _parses(date.fromisoformat, value):
        return DateType()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}[ T].+", value) and _parses(datetime.fromisoformat, value):
        return TimestampType()
    return StringType()


def _integer_type(value: int) -> DataType:
    if -(2**31) <= value < 2**31:
        return IntegerType()
    if -(2**63) <= value < 2**63:
        return LongType()
    return DecimalType(len(str(abs(value))), 0) if abs(value) < 10**38 else DoubleType()


def _parses(parse: Any, value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True

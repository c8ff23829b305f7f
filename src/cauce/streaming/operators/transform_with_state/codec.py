"""The rows a user keeps as state: checked, copied, and turned into Arrow columns and back."""

import copy
import datetime
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkTypeError, PySparkValueError
from pyspark.sql import Row
from pyspark.sql.conversion import ArrowTableToRowsConversion, LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FractionalType,
    IntegralType,
    MapType,
    StringType,
    StructType,
)

__all__ = ["RowCodec", "frozen"]

StateRow = tuple[Any, ...]

NAN = float("nan")
"""The one NaN of map keys: as in Spark, NaN is the same key as NaN."""

PLAIN_TYPES = (IntegralType, FractionalType, StringType, BinaryType, BooleanType, DateType)
"""Types whose Python values Arrow takes and gives as they are."""


class RowCodec:
    """Rows of one schema. Arrow columns are called `prefix.field`, so that a state reader finds them."""

    def __init__(self, schema: StructType, prefix: str) -> None:
        self.schema = StructType([type(f)(f.name, f.dataType, True) for f in schema])
        arrow = to_arrow_schema(self.schema, timezone="UTC")
        self.fields = [column.with_name(f"{prefix}.{column.name}") for column in arrow]
        self.make_row = Row(*schema.names) if schema.names else Row
        self._is_plain = all(isinstance(f.dataType, PLAIN_TYPES) for f in schema)
        self._is_nested = any(isinstance(f.dataType, ArrayType | MapType | StructType) for f in schema)
        self._checks = [_check(f.dataType) for f in schema]

    def taken(self, row: Any) -> StateRow:
        """A copy of what the user gave, in plain Python values; PySpark's error if it does not fit."""
        values = self._values(row)
        if len(values) != len(self.schema):
            raise PySparkValueError(
                errorClass="AXIS_LENGTH_MISMATCH",
                messageParameters={
                    "expected_length": str(len(self.schema)),
                    "actual_length": str(len(values)),
                },
            )
        checked = tuple(
            None if value is None else check(value) for check, value in zip(self._checks, values, strict=True)
        )
        return copy.deepcopy(checked) if self._is_nested else checked

    def given(self, row: StateRow) -> StateRow:
        """What the user gets, and may change without changing the state."""
        return copy.deepcopy(row) if self._is_nested else row

    def to_arrow(self, rows: Sequence[StateRow]) -> list[pa.Array]:
        """One array per field."""
        if self._is_plain:
            columns = zip(*rows, strict=True) if rows else ((),) * len(self.fields)
            return [pa.array(column, f.type) for column, f in zip(columns, self.fields, strict=True)]
        table = LocalDataToArrowConversion.convert(rows, self.schema, False).combine_chunks()
        columns = [
            column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in table.columns
        ]
        return [column.cast(f.type) for column, f in zip(columns, self.fields, strict=True)]

    def from_arrow(self, columns: Sequence[pa.ChunkedArray]) -> list[StateRow]:
        """The reverse of `to_arrow`."""
        if self._is_plain:
            return list(zip(*(column.to_pylist() for column in columns), strict=True))
        table = pa.table(list(columns), names=self.schema.names)
        return [tuple(row) for row in ArrowTableToRowsConversion.convert(table, self.schema)]

    def _values(self, row: Any) -> Sequence[Any]:
        if isinstance(row, dict):
            return [row.get(name) for name in self.schema.names]
        if isinstance(row, tuple | list):
            return row
        raise PySparkTypeError(
            errorClass="NOT_LIST_OR_TUPLE",
            messageParameters={"arg_name": "state", "arg_type": type(row).__name__},
        )


def frozen(value: Any) -> Any:
    """The value as a key of a dictionary."""
    if isinstance(value, float) and math.isnan(value):
        return NAN
    if isinstance(value, tuple | list):
        return tuple(map(frozen, value))
    return bytes(value) if isinstance(value, bytearray) else value


def _plain(value: Any) -> Any:
    """Values of numpy and pandas as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    if hasattr(value, "to_pytimedelta"):
        return value.to_pytimedelta()
    return value


def _check(data_type: DataType) -> Callable[[Any], Any]:
    """What makes a value of the type plain and refuses any other."""
    accepted = next((kinds for kind, kinds in ACCEPTED if isinstance(data_type, kind)), None)
    if accepted is None:
        return _nested if isinstance(data_type, ArrayType | MapType | StructType) else _plain

    def check(value: Any) -> Any:
        value = value if type(value) in accepted else _plain(value)
        if not isinstance(value, accepted):
            raise PySparkTypeError(
                errorClass="FIELD_DATA_TYPE_UNACCEPTABLE",
                messageParameters={
                    "data_type": str(data_type),
                    "obj": repr(value),
                    "obj_type": type(value).__name__,
                },
            )
        return value

    return check


ACCEPTED: tuple[tuple[type[DataType], tuple[type, ...]], ...] = (
    (BooleanType, (bool,)),
    (IntegralType, (int,)),
    (DecimalType, (Decimal, int)),
    (FractionalType, (float, int)),
    (StringType, (str,)),
    (BinaryType, (bytes, bytearray)),
    (DateType, (datetime.date,)),
)


def _nested(value: Any) -> Any:
    value = value.tolist() if isinstance(value, np.ndarray) else _plain(value)
    if isinstance(value, dict):
        return {_nested(key): _nested(part) for key, part in value.items()}
    if isinstance(value, Row):
        parts = [_nested(part) for part in value]
        return Row(*value.__fields__)(*parts) if hasattr(value, "__fields__") else Row(*parts)
    if isinstance(value, tuple | list):
        parts = [_nested(part) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value

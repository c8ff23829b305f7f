"""PostgreSQL's types and Spark's: how a column is read, as text, and how one is created."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)

__all__ = ["ColumnType", "column_type", "element_type", "read_type"]

UNBOUNDED = DecimalType(38, 18)
"""A numeric without precision, as in Spark."""


@dataclass(frozen=True)
class ColumnType:
    """How a column is read: its type in Spark, and the expression that gives its text (`{}`: the column)."""

    kind: DataType
    expression: str = "{}"
    local: bool = False
    """A moment without a zone, which is the session's."""
    comparable: bool = True
    """Whether the database compares its values as Spark compares what is read of them."""


TEXT = ColumnType(StringType(), comparable=False)
PLAIN: dict[str, ColumnType] = {
    "bool": ColumnType(BooleanType()),
    "int2": ColumnType(ShortType()),
    "int4": ColumnType(IntegerType()),
    "int8": ColumnType(LongType()),
    "oid": ColumnType(DecimalType(20, 0)),
    "float4": ColumnType(FloatType()),
    "float8": ColumnType(DoubleType()),
    "date": ColumnType(DateType()),
    "timestamp": ColumnType(TimestampType(), local=True),
    "timestamptz": ColumnType(TimestampType(), "{} AT TIME ZONE 'UTC'"),
    "time": ColumnType(TimestampType(), "date '1970-01-01' + {}", local=True),
    "timetz": ColumnType(TimestampType(), "(date '1970-01-01' + {}) AT TIME ZONE 'UTC'"),
    "bytea": ColumnType(BinaryType(), "encode({}, 'hex')"),
    "bpchar": TEXT,
    "text": ColumnType(StringType()),
    "varchar": ColumnType(StringType()),
}


def read_type(name: str, modifier: int, *, plain_timestamps: bool) -> ColumnType:
    """The type of a column, from the name of its type and what stands in brackets after it (-1: nothing)."""
    if name == "numeric":
        return _numeric(modifier)
    if name == "bit":
        return ColumnType(BooleanType(), "{}::int::bool") if modifier == 1 else _bits()
    if name.startswith("_"):
        element = element_type(name[1:], modifier, plain_timestamps=plain_timestamps)
        return ColumnType(ArrayType(element), "array_to_json({})")
    if name == "timestamp" and plain_timestamps:
        return ColumnType(TimestampNTZType())
    return PLAIN.get(name, TEXT)


def element_type(name: str, modifier: int, *, plain_timestamps: bool) -> DataType:
    """The type of an array's elements."""
    return read_type(name, modifier, plain_timestamps=plain_timestamps).kind


def _numeric(modifier: int) -> ColumnType:
    if modifier < 4:
        return ColumnType(UNBOUNDED, "{}::numeric(38,18)")
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    if precision > 38 or scale > precision:
        return ColumnType(UNBOUNDED, "{}::numeric(38,18)")
    return ColumnType(DecimalType(precision, scale))


def _bits() -> ColumnType:
    """As in Spark: the digits themselves, as bytes."""
    return ColumnType(BinaryType(), "encode(convert_to({}::text, 'UTF8'), 'hex')")


NAMES: dict[type[DataType], str] = {
    BinaryType: "BYTEA",
    BooleanType: "BOOLEAN",
    ByteType: "SMALLINT",
    DateType: "DATE",
    DoubleType: "FLOAT8",
    FloatType: "FLOAT4",
    IntegerType: "INTEGER",
    LongType: "BIGINT",
    ShortType: "SMALLINT",
    StringType: "TEXT",
    TimestampNTZType: "TIMESTAMP",
    TimestampType: "TIMESTAMP WITH TIME ZONE",
}
SIZED: dict[type[DataType], Callable[[DataType], str]] = {
    CharType: lambda kind: f"CHAR({kind.length})",  # type: ignore[attr-defined]
    VarcharType: lambda kind: f"VARCHAR({kind.length})",  # type: ignore[attr-defined]
    DecimalType: lambda kind: f"NUMERIC({kind.precision},{kind.scale})",  # type: ignore[attr-defined]
}


def column_type(kind: DataType) -> str | None:
    """How a column of that type is created; None for what PostgreSQL has no type for in Spark."""
    if isinstance(kind, ArrayType):
        element = column_type(kind.elementType)
        return None if element is None else f"{element}[]"
    if type(kind) in SIZED:
        return SIZED[type(kind)](kind)
    return NAMES.get(type(kind))

"""One table with a value of every kind that is easy to get wrong, as Apache Spark 4.2 was given it."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from pyspark.sql.conversion import LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

NESTED = StructType([StructField("a", IntegerType()), StructField("b", StringType())])
SCHEMA = StructType(
    [
        StructField("s", StringType()),
        StructField("i", IntegerType()),
        StructField("l", LongType()),
        StructField("d", DoubleType()),
        StructField("f", FloatType()),
        StructField("b", BooleanType()),
        StructField("dt", DateType()),
        StructField("ts", TimestampType()),
        StructField("ntz", TimestampNTZType()),
        StructField("dec", DecimalType(20, 8)),
        StructField("bin", BinaryType()),
        StructField("arr", ArrayType(StringType())),
        StructField("st", NESTED),
        StructField("m", MapType(StringType(), IntegerType())),
    ]
)


def utc(*fields):
    return dt.datetime(*fields, tzinfo=dt.UTC)


NOTHING = (None,) * 8
ROWS = [
    (
        *("plain", 1, 2, 1.0, 1.5, True, dt.date(2024, 1, 2), utc(2024, 1, 2, 3, 4, 5, 678901)),
        *(dt.datetime(2024, 1, 2, 3, 4, 5, 678901), Decimal("1.5"), b"ab\0", ["x", None, ""], (1, "q")),
        {"n": None, "k": 1},
    ),
    (None,) * 14,
    (
        *('a "q" b', -1, -(2**63), 1e7, 1e10, False, dt.date(1969, 12, 31)),
        *(utc(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(1, 1, 1), Decimal(0), b"", [], (None, None), {}),
    ),
    (
        *('back\\slash "x\\" , comma', 2**31 - 1, 2**63 - 1, 1e-3, 1e-4, True, dt.date(9999, 12, 31)),
        *(utc(2024, 1, 1), dt.datetime(2024, 1, 1), Decimal("0.00000001"), "é".encode(), ['a"b', "ü"]),
        *((2, "x\ny"), {"a b": 2}),
    ),
    (
        *("line\nbreak\r\ttab", 0, 0, float("nan"), float("inf"), True, dt.date(2024, 2, 29)),
        *(utc(2024, 1, 1, 0, 0, 0, 1), dt.datetime(2024, 1, 1, 0, 0, 0, 1)),
        *(Decimal("123456789012.12345678"), b"\xff", None, None, None),
    ),
    ("  lead trail  ", 0, 0, float("-inf"), -0.0, True, *NOTHING),
    ("", 0, 0, 123456789.123, 0.1, True, *NOTHING),
    ("ünï日本\u0001\u007f\u2028/", 0, 0, 9.999999e6, 3.4028235e38, True, *NOTHING),
    ("a,b", 0, 0, 4.9e-324, 1.4e-45, True, *NOTHING),
    ("# hash", 0, 0, 2.0**53, 16777216.0, True, *NOTHING),
]


@pytest.fixture(scope="session")
def schema() -> StructType:
    return SCHEMA


@pytest.fixture(scope="session")
def table() -> pa.Table:
    plain = LocalDataToArrowConversion.convert(ROWS, SCHEMA, False)
    return plain.cast(to_arrow_schema(SCHEMA, timezone="UTC"))

"""The text of CSV fields to column values: one at a time by Spark's rules, or a plain column at once."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import (
    BinaryType,
    BooleanType,
    ByteType,
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
)

from cauce.errors import AnalysisException
from cauce.formats.format_options import FormatOptions
from cauce.formats.text_to_moment import moment_array, moment_parser

__all__ = ["plain_column", "value_parser"]

INTEGER_BITS = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}
# What java.lang.Double.parseDouble takes, hexadecimal aside; the suffix says which Java type.
JAVA_DOUBLE = re.compile(r"\s*([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))[dDfF]?\s*")
JAVA_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
PLAIN_DOUBLE = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
PLAIN_INTEGER = r"^-?\d+$"
DECIMAL_CONTEXT = Context(prec=200)


def value_parser(kind: DataType, options: FormatOptions) -> Callable[[str], Any]:
    """Text to a value; ValueError if the text is none of the type."""
    match kind:
        case StringType():
            return str
        case ByteType() | ShortType() | IntegerType() | LongType():
            bound = 1 << (INTEGER_BITS[type(kind)] - 1)
            return lambda text: _integer(text, bound)
        case DoubleType() | FloatType():
            return _double_parser(options)
        case BooleanType():
            return _boolean
        case DecimalType():
            return lambda text: _decimal(text, kind)
        case BinaryType():
            return str.encode
        case DateType() | TimestampType() | TimestampNTZType():
            parse = moment_parser(kind, options)
            return lambda text: _found(parse(text))
    raise AnalysisException(
        "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
        format="CSV",
        columnName="",
        columnType=f'"{kind.simpleString().upper()}"',
    )


def plain_column(
    text: pa.Array, kind: DataType, target: pa.DataType, options: FormatOptions
) -> pa.Array | None:
    """The whole column at once, if all of it is spelled plainly; None if a value needs a closer look."""
    try:
        match kind:
            case StringType():
                return text
            case ByteType() | ShortType() | IntegerType() | LongType():
                return text.cast(target) if _all_match(text, PLAIN_INTEGER) else None
            case DoubleType() | FloatType():
                return text.cast(target) if _all_match(text, PLAIN_DOUBLE) else None
            case BooleanType():
                return text.cast(target) if _all_match(text, "^(?i)(true|false)$") else None
            case DecimalType():
                return text.cast(target) if _all_match(text, PLAIN_DOUBLE) else None
            case DateType() | TimestampType() | TimestampNTZType():
                moments = moment_array(text, kind, options)
                return moments if moments.null_count == text.null_count else None
    except pa.ArrowInvalid:
        return None
    return None


def _all_match(text: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(text, pattern), min_count=0).as_py()


def _integer(text: str, bound: int) -> int:
    if not re.fullmatch(r"[+-]?\d+", text) or not -bound <= int(text) < bound:
        raise ValueError(text)
    return int(text)


def _double_parser(options: FormatOptions) -> Callable[[str], float]:
    named = {
        options.get("nanValue", default="NaN"): float("nan"),
        options.get("negativeInf", default="-Inf"): float("-inf"),
        options.get("positiveInf", default="Inf"): float("inf"),
    }

    def parse(text: str) -> float:
        if text in named:
            return named[text]
        match = JAVA_DOUBLE.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return float(match[1])

    return parse


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _decimal(text: str, kind: DecimalType) -> Decimal:
    text = text.replace(",", "")  # Spark takes them for thousands separators, wherever they are.
    if not JAVA_DECIMAL.fullmatch(text):
        raise ValueError(text)
    try:
        value = Decimal(text).quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP, DECIMAL_CONTEXT)
    except ArithmeticError:
        raise ValueError(text) from None
    if not value.is_finite() or len(value.as_tuple().digits) > kind.precision:
        raise ValueError(text)
    return value


def _found(moment: Any) -> Any:
    if moment is None:
        raise ValueError
    return moment

"""A table in parts: by ranges of a column (JDBCRelation.scala of Spark 4.2), or by the user's conditions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from pyspark.sql.types import (
    DataType,
    DateType,
    NumericType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.errors import AnalysisException, IllegalArgumentException, NumberFormatException
from cauce.jdbc.dialect import Dialect
from cauce.jdbc.options import JdbcOptions

__all__ = ["conditions"]

EPOCH = datetime(1970, 1, 1)
Moment = (DateType, TimestampType, TimestampNTZType)


def conditions(
    options: JdbcOptions, predicates: Sequence[str], columns: StructType, dialect: Dialect
) -> list[str]:
    """The condition of each part; together they cover every row once, unless the user's own do not."""
    if predicates:
        return list(predicates)
    asked = options.partitioning
    if asked is None:
        return [""]
    field = _field(asked.column, columns)
    lower, upper = _number(asked.lower, field.dataType), _number(asked.upper, field.dataType)
    if lower > upper:
        raise IllegalArgumentException(
            None, f"requirement failed: {TOO_LOW} Lower bound: {asked.lower}; Upper bound: {asked.upper}"
        )
    count = min(asked.count, upper - lower)
    if asked.count <= 1 or lower == upper or count <= 1:
        return [""]
    return _ranges(dialect.quoted(field.name), _bounds(lower, upper, count), field.dataType)


TOO_LOW = "Operation not allowed: the lower bound of partitioning column is larger than the upper bound."


def _field(name: str, columns: StructType) -> StructField:
    bare = name.strip('"`')
    field = next((each for each in columns if each.name.lower() == bare.lower()), None)
    if field is None:
        raise AnalysisException("_LEGACY_ERROR_TEMP_1286", columnName=name, schema=columns.simpleString())
    if not isinstance(field.dataType, (NumericType, *Moment)):
        raise AnalysisException(
            "_LEGACY_ERROR_TEMP_1287",
            numericType="numeric",
            dateType="date",
            timestampType="timestamp",
            dataType=field.dataType.simpleString(),
        )
    return field


def _bounds(lower: int, upper: int, count: int) -> list[int]:
    """Where a part ends and the next begins; what the division leaves is split between the two ends."""
    with localcontext(prec=60):
        stride = _divided(upper, count) - _divided(lower, count)
        whole = int(stride)
        start = lower + int(((stride - whole) * count / 2).to_integral_value(ROUND_HALF_UP))
    return [start + whole * at for at in range(1, count)]


def _divided(number: int, count: int) -> Decimal:
    return (Decimal(number) / count).quantize(Decimal(1).scaleb(-18), ROUND_HALF_EVEN)


def _ranges(column: str, bounds: list[int], kind: DataType) -> list[str]:
    texts = [_text(bound, kind) for bound in bounds]
    first = [f"{column} < {texts[0]} or {column} is null"]
    between = [
        f"{column} >= {low} AND {column} < {high}" for low, high in zip(texts[:-1], texts[1:], strict=True)
    ]
    return [*first, *between, f"{column} >= {texts[-1]}"]


def _number(text: str, kind: DataType) -> int:
    if isinstance(kind, Moment):
        return _moment(text, kind)
    try:
        return int(text)
    except ValueError:
        raise NumberFormatException(None, f'For input string: "{text}"') from None


def _moment(text: str, kind: DataType) -> int:
    """Days or microseconds since 1970."""
    try:
        since = datetime.fromisoformat(text).replace(tzinfo=None) - EPOCH
    except ValueError:
        what = kind.typeName()
        raise IllegalArgumentException(None, f"Cannot parse the bound value {text} as {what}.") from None
    return since.days if isinstance(kind, DateType) else since // timedelta(microseconds=1)


def _text(bound: int, kind: DataType) -> Any:
    if isinstance(kind, DateType):
        return f"'{(EPOCH + timedelta(days=bound)).date().isoformat()}'"
    if isinstance(kind, Moment):
        return f"'{(EPOCH + timedelta(microseconds=bound)).isoformat(sep=' ')}'"
    return str(bound)

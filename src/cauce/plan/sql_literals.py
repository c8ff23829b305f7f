"""SQL numbers and intervals as Connect literals, and expressions that stay text."""

import datetime
import re
from decimal import Decimal

from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.plan.build import integer, long
from cauce.plan.intervals import parse_interval

__all__ = [
    "CAST_FUNCTIONS",
    "INTERVAL_UNITS",
    "UNIT_FUNCTIONS",
    "date_literal",
    "interval_literal",
    "number_literal",
    "text_expression",
    "word_literal",
]

INTERVAL_UNITS = frozenset(
    word + plural
    for word in ("YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
    for plural in ("", "S")
)
# `int(a)` is `CAST(a AS INT)`, name and all.
CAST_FUNCTIONS = frozenset(
    ("bigint", "binary", "boolean", "date", "decimal", "double", "float")
    + ("int", "smallint", "string", "timestamp", "tinyint")
)
# Functions whose first argument is a bare unit, as in `timestampadd(MINUTE, 5, ts)`.
UNIT_FUNCTIONS = frozenset(("timestampadd", "timestampdiff", "dateadd", "date_add", "datediff", "date_diff"))

WORD = re.compile(r"[a-zA-Z]+")
YEAR_MONTH_UNITS = ("YEAR", "MONTH")
# The field of a day-time interval's type that each unit needs.
DAY_TIME_FIELDS = {
    "WEEK": 0,
    "DAY": 0,
    "HOUR": 1,
    "MINUTE": 2,
    "SECOND": 3,
    "MILLISECOND": 3,
    "MICROSECOND": 3,
}

INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1


def text_expression(text: str) -> Expression:
    """An expression the engine reads itself."""
    return Expression(expression_string=Expression.ExpressionString(expression=text))


def number_literal(text: str) -> Expression:
    """A number with Spark's type: 1, 1L, 1S, 1Y, 1.5, 1.5BD, 1e3, 1.5F, 1.5D."""
    upper = text.upper()
    if upper.endswith("BD"):
        return _decimal(upper[:-2])
    match upper[-1]:
        case "L":
            return long(int(upper[:-1]))
        case "S":
            return Expression(literal=Expression.Literal(short=int(upper[:-1])))
        case "Y":
            return Expression(literal=Expression.Literal(byte=int(upper[:-1])))
        case "F":
            return Expression(literal=Expression.Literal(float=float(upper[:-1])))
        case "D":
            return Expression(literal=Expression.Literal(double=float(upper[:-1])))
    if "E" in upper:
        return Expression(literal=Expression.Literal(double=float(upper)))
    if "." in upper or abs(int(upper)) > LONG_MAX:
        return _decimal(upper)
    return integer(int(upper)) if abs(int(upper)) <= INT_MAX else long(int(upper))


def _decimal(text: str) -> Expression:
    value = Decimal(text)
    _, digits, exponent = value.as_tuple()
    scale = max(-int(exponent), 0)
    literal = Expression.Literal.Decimal(
        value=f"{value:f}", precision=max(len(digits), scale, 1), scale=scale
    )
    return Expression(literal=Expression.Literal(decimal=literal))


def interval_literal(text: str) -> Expression:
    """A SQL interval: of months, or of microseconds; its type remembers the units it was written with."""
    interval = parse_interval(text)
    literal = Expression.Literal()
    units = [word.upper().removesuffix("S") for word in WORD.findall(text)]
    if interval.months:
        literal.year_month_interval = interval.months
        fields = sorted({YEAR_MONTH_UNITS.index(unit) for unit in units if unit in YEAR_MONTH_UNITS})
        literal.data_type.year_month_interval.start_field = fields[0]
        literal.data_type.year_month_interval.end_field = fields[-1]
        return Expression(literal=literal)
    literal.day_time_interval = interval.fixed_us
    fields = sorted({DAY_TIME_FIELDS[unit] for unit in units if unit in DAY_TIME_FIELDS})
    literal.data_type.day_time_interval.start_field = fields[0]
    literal.data_type.day_time_interval.end_field = fields[-1]
    return Expression(literal=literal)


def date_literal(text: str) -> Expression | None:
    """A date written as 2020-01-31; None for Spark's other spellings."""
    try:
        days = (datetime.date.fromisoformat(text.strip()) - datetime.date(1970, 1, 1)).days
    except ValueError:
        return None
    return Expression(literal=Expression.Literal(date=days))


def word_literal(word: str) -> Expression:
    """NULL, TRUE or FALSE."""
    if word != "NULL":
        return Expression(literal=Expression.Literal(boolean=word == "TRUE"))
    literal = Expression.Literal()
    literal.null.null.SetInParent()
    return Expression(literal=literal)

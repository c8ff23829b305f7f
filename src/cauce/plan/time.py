"""The current time inside a micro-batch: the logged batch timestamp, the same when the batch is repeated.

The places are found once, when a query starts; a batch only sets their values, and a relation that
does not ask for the time costs a batch nothing.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.plan.build import alias
from cauce.plan.expression_strings import read_expression
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.walk import expressions, kind, operands, walk, walk_expression

__all__ = ["BatchTime", "mentions_time"]

# Function without arguments -> the literal field that holds its value.
FUNCTIONS = {
    "current_timestamp": "timestamp",
    "now": "timestamp",
    "localtimestamp": "timestamp_ntz",
    "current_date": "date",
    "curdate": "date",
    "unix_timestamp": "long",
}
NAMES = re.compile(rf"\b({'|'.join(FUNCTIONS)})\b", re.IGNORECASE)

EPOCH = datetime.fromtimestamp(0, UTC).date()


def mentions_time(sql: str) -> bool:
    """Whether a SQL text may ask for the current time."""
    return NAMES.search(sql) is not None


@dataclass(frozen=True)
class BatchTime:
    """The places in one relation where the current time goes."""

    literals: tuple[tuple[Expression.Literal, str], ...]
    zone: str

    @classmethod
    def bind(cls, relation: Relation, zone: str) -> "BatchTime | None":
        """Turn the relation's time functions, in place, into literals to be set; None without any."""
        found: list[tuple[Expression.Literal, str]] = []
        for node in walk(relation):
            for expression in expressions(node):
                _read_strings(expression)
                if any(map(_is_current_time, walk_expression(expression))):
                    _keep_name(expression, node)
                    _bind(expression, found)
        return cls(tuple(found), zone) if found else None

    def set(self, timestamp_ms: int) -> None:
        """Make it this moment everywhere."""
        moment = datetime.fromtimestamp(timestamp_ms // 1000, ZoneInfo(self.zone))
        wall_clock_s = int(moment.replace(tzinfo=UTC).timestamp())
        values = {
            "timestamp": timestamp_ms * 1000,
            "timestamp_ntz": wall_clock_s * 1_000_000 + timestamp_ms % 1000 * 1000,
            "date": (moment.date() - EPOCH).days,
            "long": timestamp_ms // 1000,
        }
        for literal, field in self.literals:
            setattr(literal, field, values[field])


def _is_current_time(expression: Expression) -> bool:
    return function_name(expression) in FUNCTIONS and not operands(expression)


def _read_strings(expression: Expression) -> None:
    read = read_expression(expression, NAMES)
    if read is not expression:
        expression.CopyFrom(read)


def _keep_name(expression: Expression, node: Relation) -> None:
    """A column named after its expression keeps that name when the expression becomes a literal."""
    if kind(node) in ("project", "aggregate") and not expression.HasField("alias"):
        expression.CopyFrom(alias(expression, output_name(expression)))


def _bind(expression: Expression, found: list[tuple[Expression.Literal, str]]) -> None:
    if not _is_current_time(expression):
        for operand in operands(expression):
            _bind(operand, found)
        return
    field = FUNCTIONS[function_name(expression)]
    expression.Clear()
    setattr(expression.literal, field, 0)
    found.append((expression.literal, field))

"""The current time inside a micro-batch: the logged batch timestamp, the same when the batch is repeated."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.plan.build import alias
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.walk import expressions, kind, operands, walk

__all__ = ["BatchTime", "mentions_time"]

# Function -> the literal field that holds its value.
FUNCTIONS = {
    "current_timestamp": "timestamp",
    "now": "timestamp",
    "localtimestamp": "timestamp_ntz",
    "current_date": "date",
    "curdate": "date",
    "unix_timestamp": "long",
}
NAMES = re.compile(rf"\b({'|'.join(FUNCTIONS)})\b", re.IGNORECASE)


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
                _bind(expression, found, names_column=kind(node) in ("project", "aggregate"))
        return cls(tuple(found), zone) if found else None

    def set(self, timestamp_ms: int) -> None:
        """Make it this moment everywhere."""
        moment = datetime.fromtimestamp(timestamp_ms // 1000, ZoneInfo(self.zone))
        offset_s = int(moment.utcoffset().total_seconds())  # type: ignore[union-attr] - the moment has a zone
        values = {
            "timestamp": timestamp_ms * 1000,
            "timestamp_ntz": timestamp_ms * 1000 + offset_s * 1_000_000,
            "date": (moment.date() - EPOCH).days,
            "long": timestamp_ms // 1000,
        }
        for literal, field in self.literals:
            setattr(literal, field, values[field])


EPOCH: date = datetime.fromtimestamp(0, UTC).date()


def _bind(
    expression: Expression, found: list[tuple[Expression.Literal, str]], *, names_column: bool
) -> None:
    field = FUNCTIONS.get(function_name(expression))
    if field is None or expression.unresolved_function.arguments:
        for operand in operands(expression):
            _bind(operand, found, names_column=False)
        return
    literal = Expression(literal=Expression.Literal(**{field: 0}))
    if names_column:
        expression.CopyFrom(alias(literal, output_name(expression)))
        found.append((expression.alias.expr.literal, field))
    else:
        expression.CopyFrom(literal)
        found.append((expression.literal, field))

"""Until when a join must remember a side's rows, as its condition and the watermark say.

Follows StreamingJoinHelper.getStateValueWatermark of Apache Spark 4.2: `rightTime + c < leftTime` and
a watermark w on rightTime mean that left rows up to w + c can match nothing any more.
https://github.com/apache/spark/blob/v4.2.0/sql/catalyst/src/main/scala/org/apache/spark/sql/catalyst/analysis/StreamingJoinHelper.scala
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.streaming.planner.join_constraints import Difference, JoinSide, conjuncts, difference, solves

__all__ = ["WATERMARK_ITSELF", "StateBound", "constant_us", "least_watermark_ms", "state_bounds"]

DAY_US = 86_400_000_000
SECOND_US = 1_000_000


@dataclass(frozen=True)
class StateBound:
    """Rows of a side are needed while their time is after `sign * watermark + offset`."""

    sign: int
    offset_us: float
    inclusive: bool
    """Whether the row at that very time can still match."""

    def watermark_ms(self, input_ms: int) -> int:
        """Rows up to here may go, given the watermark of the join's input."""
        bound_ms = int((self.sign * input_ms * 1000.0 + self.offset_us) / 1000.0)
        return bound_ms - 1 if self.inclusive else bound_ms


WATERMARK_ITSELF = StateBound(1, 0.0, inclusive=False)
"""For joins whose keys hold the event time."""


def state_bounds(condition: Sequence[Expression], side: JoinSide, by: JoinSide) -> list[StateBound]:
    """What each predicate says about the rows of `side`, given a watermark on `by`."""
    if not by.event_times:
        return []
    found = (difference(part) for predicate in condition for part in conjuncts(predicate))
    bounds = (_bound(part, side, by) for part in found if part is not None and solves(part, side, by))
    return [bound for bound in bounds if bound is not None]


def least_watermark_ms(bounds: Sequence[StateBound], input_ms: int) -> int | None:
    """The state watermark: every predicate must say that a row can go."""
    return min((bound.watermark_ms(input_ms) for bound in bounds), default=None)


def constant_us(literal: Expression.Literal) -> float | None:
    """A constant term in microseconds, numbers counting as seconds; None for what has no fixed length."""
    match literal.WhichOneof("literal_type"):
        case "day_time_interval":
            return float(literal.day_time_interval)
        case "calendar_interval" if literal.calendar_interval.months == 0:
            return float(literal.calendar_interval.days * DAY_US + literal.calendar_interval.microseconds)
        case "byte" | "short" | "integer" | "long" | "float" | "double" as number:
            return getattr(literal, number) * float(SECOND_US)
        case "decimal":
            return float(literal.decimal.value) * SECOND_US
    return None


def _bound(found: Difference, side: JoinSide, by: JoinSide) -> StateBound | None:
    sign, offset_us = 0, 0.0
    for term, term_sign in found.terms:
        if term.HasField("literal"):
            constant = constant_us(term.literal)
            if constant is None:
                return None
            offset_us += term_sign * constant
        elif by.owns(term):
            sign = term_sign
        elif not side.owns(term):
            return None
    # `score > 0` bounds a column, but by no time. Spark takes it for a bound that never moves.
    return StateBound(sign, offset_us, found.inclusive) if sign else None

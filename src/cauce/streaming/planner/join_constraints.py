"""What a join's condition says of its two sides: which pairs must be equal, how event times bound each other.

Follows Spark's ExtractEquiJoinKeys and StreamingJoinHelper: a range condition is useful when it is a sum of
columns and constants that leaves one column of the bounded side on the larger side of a comparison.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.plan.expression_text import function_name
from cauce.plan.sql import parse_expression
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import kind, walk, walk_expression, with_plan_ids

__all__ = ["Difference", "JoinSide", "bounds", "conjuncts", "difference", "equal_pairs", "solves"]

COMPARISONS = {"<": 1, "<=": 1, ">": -1, ">=": -1}
"""Which way round the operands are, smaller first."""

SUMS = {"+": 1, "-": -1}
"""The sign of the second operand."""


@dataclass(frozen=True)
class JoinSide:
    """One input of a join: its columns, and those of them that carry a watermark."""

    relation: Relation
    columns: Collection[str]
    event_times: Collection[str]

    def owns(self, expression: Expression) -> bool:
        """Whether a column reference means this side, going by frame id, table alias or name."""
        if not expression.HasField("unresolved_attribute"):
            return False
        attribute = expression.unresolved_attribute
        if attribute.HasField("plan_id"):
            return attribute.plan_id in with_plan_ids(self.relation)
        *qualifier, name = identifier_parts(attribute.unparsed_identifier)
        if qualifier and qualifier[-1].lower() in _aliases(self.relation):
            return True
        return not qualifier and name.lower() in _lower(self.columns)

    def is_event_time(self, expression: Expression) -> bool:
        """Whether the expression is nothing but a watermarked column of this side."""
        if not self.owns(expression):
            return False
        return identifier_parts(expression.unresolved_attribute.unparsed_identifier)[-1].lower() in _lower(
            self.event_times
        )


def equal_pairs(
    condition: Expression, left: JoinSide, right: JoinSide
) -> Iterator[tuple[Expression, Expression]]:
    """The (left, right) expressions that the condition makes equal."""
    for predicate in conjuncts(condition):
        if function_name(predicate) not in ("=", "==", "<=>"):
            continue
        one, other = predicate.unresolved_function.arguments
        if _only(one, left, right) and _only(other, right, left):
            yield one, other
        elif _only(one, right, left) and _only(other, left, right):
            yield other, one


def bounds(condition: Expression, side: JoinSide, by: JoinSide) -> bool:
    """Whether the watermark of `by` tells which rows of `side` can never match again."""
    if not by.event_times:
        return False
    return any(_bounds(predicate, side, by) for predicate in conjuncts(condition))


def conjuncts(condition: Expression) -> Iterator[Expression]:
    """The predicates that must all hold, with SQL text inside read."""
    if condition.HasField("expression_string"):
        yield from conjuncts(parse_expression(condition.expression_string.expression))
    elif condition.HasField("alias"):
        yield from conjuncts(condition.alias.expr)
    elif function_name(condition) == "and":
        for part in condition.unresolved_function.arguments:
            yield from conjuncts(part)
    elif condition.WhichOneof("expr_type") is not None:  # a cross join has no condition
        yield condition


def _only(expression: Expression, side: JoinSide, other: JoinSide) -> bool:
    """Whether the expression refers to columns of one side and to none of the other."""
    columns = [part for part in walk_expression(expression) if part.HasField("unresolved_attribute")]
    return bool(columns) and all(side.owns(c) and not other.owns(c) for c in columns)


@dataclass(frozen=True)
class Difference:
    """A comparison as a sum: `sum(sign * term) < 0`, or `<= 0`."""

    terms: Sequence[tuple[Expression, int]]
    inclusive: bool


def difference(predicate: Expression) -> Difference | None:
    """`smaller < larger` as the terms of smaller - larger; None if it is no sum of columns and constants."""
    name = function_name(predicate)
    if name not in COMPARISONS:
        return None
    smaller, larger = list(predicate.unresolved_function.arguments)[:: COMPARISONS[name]]
    terms, others = _terms(smaller, 1), _terms(larger, -1)
    if terms is None or others is None:
        return None
    return Difference([*terms, *others], inclusive=name.endswith("="))


def solves(found: Difference, side: JoinSide, by: JoinSide) -> bool:
    """Whether it bounds a column of `side` from below by nothing but constants and a watermark of `by`."""
    # terms < 0 solves for the bounded column when it stands there with a minus.
    bounded = [(term, sign) for term, sign in found.terms if side.owns(term)]
    bounding = [(term, sign) for term, sign in found.terms if by.owns(term)]
    if len(bounded) != 1 or len(bounding) > 1:
        return False
    return bounded[0][1] < 0 and all(by.is_event_time(term) for term, _ in bounding)


def _bounds(predicate: Expression, side: JoinSide, by: JoinSide) -> bool:
    found = difference(predicate)
    return found is not None and solves(found, side, by)


def _terms(expression: Expression, sign: int) -> list[tuple[Expression, int]] | None:
    """The columns and constants that add up to the expression, with their signs; None if it is no sum."""
    name = function_name(expression)
    match expression.WhichOneof("expr_type"):
        case "expression_string":
            return _terms(parse_expression(expression.expression_string.expression), sign)
        case "cast":
            return _terms(expression.cast.expr, sign)
        case "unresolved_attribute" | "literal":
            return [(expression, sign)]
        case "unresolved_function" if name in SUMS:
            parts = list(expression.unresolved_function.arguments)
            signs = (sign, sign * SUMS[name]) if len(parts) == 2 else (sign * SUMS[name],)
            found = [_terms(part, part_sign) for part, part_sign in zip(parts, signs, strict=True)]
            return None if None in found else [term for terms in found if terms for term in terms]
    return None


def _aliases(relation: Relation) -> set[str]:
    return {node.subquery_alias.alias.lower() for node in walk(relation) if kind(node) == "subquery_alias"}


def _lower(names: Collection[str]) -> set[str]:
    return {name.lower() for name in names}

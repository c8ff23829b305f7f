"""Filters that keep the first ranks of each partition: `row_number() OVER (..) AS r`, then `r <= 3`.

What the filter drops will never be wanted, however many rows come later: a row's rank only grows. The rule
writes the limit down as a hint right above the window functions, where the planner finds it.
"""

from collections.abc import Iterator

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Hint, Relation

from cauce.plan.build import integer, string
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import kind, replace_children, transform
from cauce.plan.window_functions import only_ranks

__all__ = ["hint_top_ranks", "top_ranks_of"]

NAME = "cauce_top_ranks"
MIRRORED = {">=": "<=", ">": "<", "=": "=", "==": "==", "<=": ">=", "<": ">"}
"""The comparison with its sides exchanged."""


def hint_top_ranks(relation: Relation) -> Relation:
    """The relation with a hint between each such filter and the window functions below it."""
    return transform(relation, _hinted)


def top_ranks_of(relation: Relation) -> tuple[str, int] | None:
    """The rank's column and the last rank that is wanted, if the relation is the rule's hint."""
    if kind(relation) != "hint" or relation.hint.name != NAME:
        return None
    column, limit = (parameter.literal for parameter in relation.hint.parameters)
    return column.string, limit.integer


def _hinted(relation: Relation) -> Relation:
    if kind(relation) != "filter":
        return relation
    for column, limit in _limits(relation.filter.condition):
        below = _with_hint(relation.filter.input, column, limit)
        if below is not None:
            return replace_children(relation, [below])
    return relation


def _with_hint(relation: Relation, column: str, limit: int) -> Relation | None:
    if kind(relation) == "subquery_alias":
        below = _with_hint(relation.subquery_alias.input, column, limit)
        return None if below is None else replace_children(relation, [below])
    ranks = (name for name in only_ranks(relation) if name.lower() == column.lower())
    found = next(ranks, None)
    if found is None:
        return None
    return Relation(hint=Hint(input=relation, name=NAME, parameters=[string(found), integer(limit)]))


def _limits(condition: Expression) -> Iterator[tuple[str, int]]:
    """Column and largest value of each comparison that has to hold."""
    name = condition.unresolved_function.function_name
    arguments = condition.unresolved_function.arguments
    if name == "and":
        for part in arguments:
            yield from _limits(part)
    elif name in MIRRORED and len(arguments) == 2:
        yield from _comparison(name, *arguments)
        yield from _comparison(MIRRORED[name], *reversed(arguments))


def _comparison(name: str, one: Expression, other: Expression) -> Iterator[tuple[str, int]]:
    value = getattr(other.literal, other.literal.WhichOneof("literal_type") or "null", None)
    if not one.HasField("unresolved_attribute") or not isinstance(value, int) or name not in MIRRORED:
        return
    column = identifier_parts(one.unresolved_attribute.unparsed_identifier)[-1]
    if name in ("<=", "=", "=="):
        yield column, value
    elif name == "<":
        yield column, value - 1

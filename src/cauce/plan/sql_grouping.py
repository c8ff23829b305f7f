"""What may stand after GROUP BY: keys, and sets of keys by ROLLUP, CUBE and GROUPING SETS."""

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Aggregate

from cauce.plan.sql_lowering import row_items

if TYPE_CHECKING:
    from cauce.plan.sql_expressions import ExpressionParser

__all__ = ["crossed", "cube", "distinct_keys", "group_type", "grouping_element", "keys_or_sets", "rollup"]

Keys = list[Expression]


def grouping_element(parser: "ExpressionParser") -> tuple[Keys, list[Keys] | None]:
    """One element: its keys, and the sets they are grouped by unless it is a key."""
    tokens = parser.tokens
    if tokens.take("GROUPING", "SETS"):
        tokens.expect_symbol("(")
        found = tokens.separated(lambda: _set(parser))
        tokens.expect_symbol(")")
        sets = [keys for one in found for keys in one]
        return distinct_keys(key for keys in sets for key in keys), sets
    word = tokens.here.upper
    if word not in ("ROLLUP", "CUBE") or not tokens.at_symbol("(", 1):
        return [parser.expression()], None
    tokens.next()
    tokens.expect_symbol("(")
    # ROLLUP (a, (b, c)) takes the last two together; so does nothing else here, and rows are rare.
    items = [row_items(key) or [key] for key in tokens.separated(parser.expression)]
    tokens.expect_symbol(")")
    keys = [key for item in items for key in item]
    return keys, rollup(keys) if word == "ROLLUP" else cube(keys)


def rollup(keys: Sequence[Expression]) -> list[Keys]:
    """All keys, all but the last, .. and none."""
    return [list(keys[:count]) for count in range(len(keys), -1, -1)]


def cube(keys: Sequence[Expression]) -> list[Keys]:
    """Every choice of keys."""
    return [list(chosen) for count in range(len(keys), -1, -1) for chosen in combinations(keys, count)]


def group_type(keys: Sequence[Expression], sets: list[Keys] | None) -> "Aggregate.GroupType.ValueType":
    """How Connect says it."""
    if sets is None:
        return Aggregate.GROUP_TYPE_GROUPBY
    if sets == rollup(keys):
        return Aggregate.GROUP_TYPE_ROLLUP
    return Aggregate.GROUP_TYPE_CUBE if sets == cube(keys) else Aggregate.GROUP_TYPE_GROUPING_SETS


def keys_or_sets(keys: Keys, sets: list[Keys] | None) -> list[Keys]:
    """An element as sets: a plain key is in all of them."""
    return [keys] if sets is None else sets


def crossed(elements: Iterable[list[Keys]]) -> list[Keys]:
    """Every set of one element with every set of the others."""
    return [distinct_keys(key for keys in chosen for key in keys) for chosen in product(*elements)]


def distinct_keys(keys: Iterable[Expression]) -> Keys:
    """Each key once."""
    found: Keys = []
    for key in keys:
        if key not in found:
            found.append(key)
    return found


def _set(parser: "ExpressionParser") -> list[Keys]:
    """`(a, b)`, `()`, `a`, or an element that is several sets itself."""
    tokens = parser.tokens
    if tokens.at_symbol("(") and tokens.at_symbol(")", 1):
        tokens.next()
        tokens.next()
        return [[]]
    keys, sets = grouping_element(parser)
    if sets is not None:
        return sets
    return [row_items(keys[0]) or keys]

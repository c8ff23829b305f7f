"""Rule: ROLLUP, CUBE and GROUPING SETS become a plain grouping of rows repeated once per set.

Each row is repeated for every set, with null in the keys the set leaves out and the set's number beside them,
so that a key that is null and one that is left out stay different groups. Spark's Expand does the same.
"""

from itertools import combinations

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Aggregate, Relation

from cauce.errors import UnsupportedOperationException
from cauce.plan.build import alias, attribute, call, drop, integer, long, project, star
from cauce.plan.expression_text import function_name, output_name, sql_text
from cauce.plan.walk import kind, transform, transform_expression

__all__ = ["rewrite_grouping_sets"]

GROUPING_ID = "__cauce_grouping_id"
KEY = "__cauce_grouping_key"

GROUP_TYPES = (Aggregate.GROUP_TYPE_ROLLUP, Aggregate.GROUP_TYPE_CUBE, Aggregate.GROUP_TYPE_GROUPING_SETS)


def rewrite_grouping_sets(relation: Relation, schema: object = None) -> Relation:
    """Rewrite every aggregation over several groupings; `schema` is not asked."""
    return transform(relation, _rewrite_node)


def _rewrite_node(node: Relation) -> Relation:
    if kind(node) != "aggregate" or node.aggregate.group_type not in GROUP_TYPES:
        return node
    keys = list(node.aggregate.grouping_expressions)
    repeated = _repeated(node.aggregate.input, keys, _grouping_ids(node.aggregate))
    columns = [alias(attribute(f"{KEY}{at}"), output_name(key)) for at, key in enumerate(keys)]
    grouped = Aggregate(
        input=repeated,
        group_type=Aggregate.GROUP_TYPE_GROUPBY,
        grouping_expressions=[*columns, attribute(GROUPING_ID)],
        aggregate_expressions=[_answered(e, keys) for e in node.aggregate.aggregate_expressions],
    )
    answer = drop(Relation(aggregate=grouped), GROUPING_ID)
    if node.common.HasField("plan_id"):
        answer.common.plan_id = node.common.plan_id
    return answer


def _repeated(child: Relation, keys: list[Expression], grouping_ids: list[int]) -> Relation:
    """The child's rows once per set: all its columns, the set's id, and the keys the set groups by."""
    ids = call("explode", call("array", *map(long, grouping_ids)))
    numbered = project(child, [star(), alias(ids, GROUPING_ID)])
    kept = [
        alias(call("when", _is_kept(at, len(keys)), _unnamed(key)), f"{KEY}{at}")
        for at, key in enumerate(keys)
    ]
    return project(numbered, [star(), *kept])


def _grouping_ids(aggregate: Aggregate) -> list[int]:
    """One number per set, as `grouping_id()` counts: a bit per key, first key highest, set if left out."""
    count = len(aggregate.grouping_expressions)
    ids = [sum(1 << (count - 1 - at) for at in range(count) if at not in kept) for kept in _sets(aggregate)]
    if len(set(ids)) < len(ids):
        raise UnsupportedOperationException(None, "A grouping set twice is not supported over a stream.")
    return ids


def _sets(aggregate: Aggregate) -> list[set[int]]:
    """The positions of the keys of each set."""
    every = range(len(aggregate.grouping_expressions))
    if aggregate.group_type == Aggregate.GROUP_TYPE_ROLLUP:
        return [set(every[:size]) for size in range(len(every), -1, -1)]
    if aggregate.group_type == Aggregate.GROUP_TYPE_CUBE:
        return [set(chosen) for size in range(len(every), -1, -1) for chosen in combinations(every, size)]
    texts = [sql_text(key) for key in aggregate.grouping_expressions]
    return [{texts.index(sql_text(key)) for key in one.grouping_set} for one in aggregate.grouping_sets]


def _is_kept(at: int, count: int) -> Expression:
    return call("=", call("&", attribute(GROUPING_ID), long(1 << (count - 1 - at))), long(0))


def _answered(expression: Expression, keys: list[Expression]) -> Expression:
    """`grouping_id()` and `grouping(key)` read off the set's number."""
    positions = {sql_text(_unnamed(key)): at for at, key in enumerate(keys)}

    def answered(part: Expression) -> Expression:
        match function_name(part):
            case "grouping_id":
                return attribute(GROUPING_ID)
            case "grouping":
                at = positions[sql_text(part.unresolved_function.arguments[0])]
                bit = call("shiftright", attribute(GROUPING_ID), integer(len(keys) - 1 - at))
                return _tinyint(call("&", bit, long(1)))
        return part

    answer = transform_expression(expression, answered)
    return answer if expression.HasField("alias") else alias(answer, output_name(expression))


def _tinyint(expression: Expression) -> Expression:
    return Expression(cast=Expression.Cast(expr=expression, type_str="tinyint"))


def _unnamed(key: Expression) -> Expression:
    return key.alias.expr if key.HasField("alias") else key

"""Rule: a filter over an inner join of two streams becomes part of its condition.

So `FROM a, b WHERE a.id = b.id` is an equi-join, and a time range in WHERE bounds the state. Spark's
optimizer does the same (PushPredicateThroughJoin).
"""

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Join, Relation

from cauce.plan.build import call
from cauce.plan.expression_text import function_name
from cauce.plan.walk import is_streaming, kind, transform, walk_expression

__all__ = ["NONDETERMINISTIC", "is_stream_stream_join", "merge_join_filters"]

INNER = (Join.JOIN_TYPE_INNER, Join.JOIN_TYPE_CROSS)
NONDETERMINISTIC = ("monotonically_increasing_id", "rand", "randn", "random", "shuffle", "uuid")


def is_stream_stream_join(relation: Relation) -> bool:
    """Whether both inputs of a join are streams."""
    return kind(relation) == "join" and is_streaming(relation.join.left) and is_streaming(relation.join.right)


def merge_join_filters(relation: Relation) -> Relation:
    """The plan with every such filter merged; joins with tables are left to the engine's optimizer."""
    return transform(relation, _merge)


def _merge(node: Relation) -> Relation:
    if kind(node) != "filter" or not is_stream_stream_join(node.filter.input):
        return node
    join = node.filter.input.join
    if join.join_type not in INNER or join.using_columns or not _moves(node.filter.condition):
        return node
    joined = Relation()
    joined.CopyFrom(node.filter.input)
    joined.join.join_type = Join.JOIN_TYPE_INNER
    condition = node.filter.condition
    if join.HasField("join_condition"):
        condition = call("and", join.join_condition, condition)
    joined.join.join_condition.CopyFrom(condition)
    return joined


def _moves(condition: Expression) -> bool:
    """Whether it may be asked about a row at another time, or more than once."""
    return not any(
        function_name(part) in NONDETERMINISTIC
        or part.HasField("common_inline_user_defined_function")
        or part.HasField("subquery_expression")
        for part in walk_expression(condition)
    )

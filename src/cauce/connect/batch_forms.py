"""Relations that Sail refuses, or answers otherwise than Spark, in a form that it runs."""

from pyspark.sql.connect.proto import Expression, Relation, Repartition, WithColumns
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import StructType

from cauce.connect.preparation import Preparation, replace
from cauce.plan.expression_text import function_name
from cauce.plan.grouping_sets import rewrite_grouping_sets
from cauce.plan.sessions import merge_sessions
from cauce.plan.walk import walk_expression
from cauce.plan.windows import rewrite_windows

__all__ = ["aggregate", "repartition_by_expression", "set_op", "with_watermark"]


def with_watermark(node: Relation, preparation: Preparation) -> None:
    """A watermark means nothing to a batch."""
    inner = Relation()
    inner.CopyFrom(node.with_watermark.input)
    replace(node, inner)


def repartition_by_expression(node: Relation, preparation: Preparation) -> None:
    """`repartitionById`: which row is in which part cannot be seen, so any parts do."""
    asked = node.repartition_by_expression
    if any(part.HasField("direct_shuffle_partition_id") for part in asked.partition_exprs):
        parts = Repartition(input=asked.input, num_partitions=asked.num_partitions or 1, shuffle=True)
        replace(node, Relation(repartition=parts))


def aggregate(node: Relation, preparation: Preparation) -> None:
    """`groupingSets`, which Sail knows in SQL only, and `session_window`, which it lacks."""
    asked = node.aggregate
    if asked.grouping_sets:
        replace(node, rewrite_grouping_sets(node))
    elif any(
        function_name(e) == "session_window"
        for key in asked.grouping_expressions
        for e in walk_expression(key)
    ):
        replace(node, merge_sessions(rewrite_windows(node, preparation.session.engine.schema)))


def set_op(node: Relation, preparation: Preparation) -> None:
    """`unionByName(allowMissingColumns=True)`: a column that one side lacks is null in the other's type."""
    asked = node.set_op
    if not asked.allow_missing_columns:
        return
    engine = preparation.session.engine
    left, right = engine.schema(asked.left_input), engine.schema(asked.right_input)
    _fill(asked.left_input, left, right)
    _fill(asked.right_input, right, left)


def _fill(relation: Relation, there: StructType, other: StructType) -> None:
    known = {name.lower() for name in there.names}
    missing = [
        Expression.Alias(
            expr=Expression(literal=Expression.Literal(null=pyspark_types_to_proto_types(field.dataType))),
            name=[field.name],
        )
        for field in other
        if field.name.lower() not in known
    ]
    if missing:
        inner = Relation()
        inner.CopyFrom(relation)
        replace(relation, Relation(with_columns=WithColumns(input=inner, aliases=missing)))

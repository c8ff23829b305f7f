"""Rule: a join of two streams gets only the columns that are used: what it gets, it remembers.

Runs after `name_join_columns`, so that above a join a bare name says which column is meant. Spark's optimizer
does the same (ColumnPruning).
"""

from collections.abc import Callable, Collection, Iterable

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Join, Relation
from pyspark.sql.types import StructType

from cauce.plan.build import attribute, project
from cauce.plan.expression_text import function_name
from cauce.plan.join_filters import is_stream_stream_join
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import children, expressions, kind, operands, replace_children, walk

__all__ = ["prune_join_columns"]

Schema = Callable[[Relation], StructType]
Needed = set[str] | None
"""Lower-case names of the columns that somebody above uses; None is all of them."""

# These give all their input's columns and use those they mention.
TRANSPARENT = (
    "filter", "hint", "limit", "offset", "repartition", "repartition_by_expression", "sort", "tail",
    "with_columns",
)  # fmt: skip


def prune_join_columns(relation: Relation, schema: Schema) -> Relation:
    """The plan with a projection below every stream-stream join that has columns nobody uses."""
    return _pruned(relation, None, schema)


def _pruned(relation: Relation, needed: Needed, schema: Schema) -> Relation:
    if not any(is_stream_stream_join(node) for node in walk(relation)):
        return relation
    if is_stream_stream_join(relation):
        return _pruned_join(relation, needed, schema)
    mentioned = _mentioned(expressions(relation))
    match kind(relation):
        case "project" | "aggregate":
            below = mentioned
        case name if name in TRANSPARENT:
            below = _both(needed, mentioned)
        case "deduplicate" if relation.deduplicate.column_names:
            below = _both(needed, {name.lower() for name in relation.deduplicate.column_names})
        case "with_watermark":
            below = _both(needed, {identifier_parts(relation.with_watermark.event_time)[-1].lower()})
        case _:
            below = None
    return replace_children(relation, [_pruned(child, below, schema) for child in children(relation)])


def _pruned_join(relation: Relation, needed: Needed, schema: Schema) -> Relation:
    condition = _mentioned([relation.join.join_condition])
    wanted = _both(needed, condition)
    is_semi = relation.join.join_type in (Join.JOIN_TYPE_LEFT_SEMI, Join.JOIN_TYPE_LEFT_ANTI)
    left = _side(relation.join.left, wanted, schema)
    right = _side(relation.join.right, condition if is_semi else wanted, schema)
    return replace_children(relation, [left, right])


def _side(relation: Relation, wanted: Needed, schema: Schema) -> Relation:
    below = _pruned(relation, wanted, schema)
    if wanted is None:
        return below
    names = schema(relation).names
    kept = [name for name in names if name.lower() in wanted]
    return below if len(kept) == len(schema(below).names) else project(below, map(attribute, kept))


def _mentioned(found: Iterable[Expression]) -> Needed:
    """The columns that expressions refer to; None if that cannot be told from the names in them."""
    names: set[str] = set()
    for expression in found:
        if expression.HasField("unresolved_attribute"):
            names.add(identifier_parts(expression.unresolved_attribute.unparsed_identifier)[0].lower())
        elif expression.HasField("unresolved_star") or _is_opaque(expression):
            return None
        else:
            inner = [part for part in operands(expression) if not _counts_rows(expression, part)]
            below = _mentioned(inner)
            if below is None:
                return None
            names |= below
    return names


def _is_opaque(expression: Expression) -> bool:
    return any(
        expression.HasField(name) for name in ("expression_string", "unresolved_regex", "subquery_expression")
    )


def _counts_rows(expression: Expression, operand: Expression) -> bool:
    """Whether it is the star of `count(*)`."""
    return function_name(expression) == "count" and operand.HasField("unresolved_star")


def _both(one: Needed, other: Collection[str] | None) -> Needed:
    return None if one is None or other is None else one | set(other)

"""Replace calls of some functions in a relation, so that columns keep the names they had."""

from collections.abc import Callable, Container

from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.plan.build import alias
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.walk import expressions, kind, replace_expressions, transform_expression, walk_expressions

__all__ = ["rewrite_calls"]


def rewrite_calls(
    node: Relation, names: Container[str], rewrite: Callable[[Expression], Expression]
) -> Relation:
    """`rewrite` is asked for every expression, innermost first, if one is a call of such a name."""
    if not any(function_name(expression) in names for expression in walk_expressions(node)):
        return node
    old = expressions(node)
    new = [transform_expression(expression, rewrite) for expression in old]
    named = len(old) if kind(node) in ("project", "aggregate") else 0
    return replace_expressions(node, [*map(_named_as, old[:named], new[:named]), *new[named:]])


def _named_as(old: Expression, new: Expression) -> Expression:
    return new if new is old or new.HasField("alias") else alias(new, output_name(old))

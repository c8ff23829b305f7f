"""Rule: moments made of numbers are in the session's time zone.

Sail gives the results of `timestamp_seconds` and its kin the zone UTC, so that their hours, days and text
would be UTC's in any session; a cast to timestamp gives them the session's.
"""

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.plan.build import alias
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.walk import expressions, kind, replace_expressions, transform, transform_expression

__all__ = ["localize_epoch_times"]

FUNCTIONS = frozenset({"timestamp_seconds", "timestamp_millis", "timestamp_micros"})


def localize_epoch_times(relation: Relation, schema: object = None) -> Relation:
    """Cast every such call to timestamp; columns keep the names they had. `schema` is not asked."""
    return transform(relation, _localized)


def _localized(node: Relation) -> Relation:
    old = expressions(node)
    new = [transform_expression(expression, _cast) for expression in old]
    named = len(old) if kind(node) in ("project", "aggregate") else 0
    return replace_expressions(node, [*map(_named_as, old[:named], new[:named]), *new[named:]])


def _cast(expression: Expression) -> Expression:
    if function_name(expression) not in FUNCTIONS:
        return expression
    return Expression(cast=Expression.Cast(expr=expression, type_str="timestamp"))


def _named_as(old: Expression, new: Expression) -> Expression:
    if new is old or new.HasField("alias"):
        return new
    return alias(new, output_name(old))

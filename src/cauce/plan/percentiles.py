"""Rule: a batch's `percentile_approx` is exact and a value of the column, as Spark's is up to its accuracy.

The engine's own interpolates between values, gives DOUBLE for every type and takes one percentage only.
"""

from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.plan.build import call, integer
from cauce.plan.expression_text import function_name
from cauce.plan.function_calls import rewrite_calls
from cauce.plan.walk import walk_expressions

__all__ = ["PERCENTILES", "rewrite_percentiles_of"]

PERCENTILES = frozenset({"approx_percentile", "percentile_approx"})


def rewrite_percentiles_of(node: Relation) -> Relation:
    """Replace every such call in this relation; one over a window stays the engine's."""
    if any(_is_windowed(expression) for expression in walk_expressions(node)):
        return node
    return rewrite_calls(node, PERCENTILES, _rewritten)


def _is_windowed(expression: Expression) -> bool:
    return expression.HasField("window") and function_name(expression.window.window_function) in PERCENTILES


def _rewritten(expression: Expression) -> Expression:
    if function_name(expression) not in PERCENTILES or expression.unresolved_function.is_distinct:
        return expression
    column, asked = expression.unresolved_function.arguments[:2]
    if function_name(asked) != "array":
        return _value_at(column, asked)
    values = [_value_at(column, percentage) for percentage in asked.unresolved_function.arguments]
    return call("when", call(">", call("count", column), integer(0)), call("array", *values))


def _value_at(column: Expression, percentage: Expression) -> Expression:
    """The value of rank ceil(p * n), the smallest for p = 0; null without values."""
    ranked = call("sort_array", call("collect_list", column))
    share = Expression(cast=Expression.Cast(expr=percentage, type_str="double"))
    rank = call("greatest", call("ceil", call("*", share, call("count", column))), integer(1))
    place = Expression(cast=Expression.Cast(expr=call("-", rank, integer(1)), type_str="int"))
    return call("get", ranked, place)

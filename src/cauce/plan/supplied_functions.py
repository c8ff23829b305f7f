"""Rule: calls of functions that cauce has for the engine (see cauce.functions)."""

from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.functions import SUPPLIED
from cauce.plan.arrow_functions import arrow_function
from cauce.plan.expression_text import function_name
from cauce.plan.function_calls import rewrite_calls
from cauce.plan.walk import transform

__all__ = ["supply_functions"]


def supply_functions(relation: Relation, schema: object = None) -> Relation:
    """Replace every such call; columns keep the names they had. `schema` is not asked."""
    return transform(relation, lambda node: rewrite_calls(node, SUPPLIED, _supplied))


def _supplied(expression: Expression) -> Expression:
    name = function_name(expression)
    if name not in SUPPLIED:
        return expression
    function = SUPPLIED[name]
    return arrow_function(function.run, expression.unresolved_function.arguments, function.result, name)

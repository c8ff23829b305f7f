"""SQL forms that Connect has no message for, written with those it has; their columns keep Spark's names.

The reader first makes calls to functions that do not exist (`between`, `filter_where`), so that names are
taken from what the user wrote; here they become comparisons and CASE expressions.
"""

from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.errors import UnsupportedOperationException
from cauce.plan.build import alias, call, integer
from cauce.plan.expression_text import function_name, output_name, sql_text
from cauce.plan.walk import transform_expression

__all__ = ["FILTER", "lowered"]

FILTER = "filter_where"

# first(x, true) skips nulls; first(x) does not.
KEEPS_NULLS = frozenset(("any_value", "first", "first_value", "last", "last_value"))
# Where a null in the second argument is what makes a row be skipped.
SKIPS_BY_SECOND = frozenset(("max_by", "min_by"))


def lowered(expression: Expression) -> Expression:
    """The expression in functions the engine has, under the name it had."""
    result = transform_expression(expression, _lower)
    if result is expression or result.HasField("alias"):
        return result
    return alias(result, output_name(expression))


def _lower(expression: Expression) -> Expression:
    match function_name(expression):
        case "between":
            value, low, high = expression.unresolved_function.arguments
            return call("and", call(">=", value, low), call("<=", value, high))
        case name if name == FILTER:
            function, condition = expression.unresolved_function.arguments
            return _filtered(function, condition)
        case _:
            return expression


def _filtered(function: Expression, condition: Expression) -> Expression:
    """Aggregates skip nulls, so a row that fails the condition contributes a null instead."""
    name = function_name(function)
    arguments = list(function.unresolved_function.arguments)
    if name in KEEPS_NULLS and len(arguments) == 1:
        message = (
            f"{sql_text(function)} FILTER (WHERE ..) is not supported over a stream without IGNORE NULLS."
        )
        raise UnsupportedOperationException(None, message)
    if not arguments or arguments[0].HasField("unresolved_star"):
        arguments = [integer(1)]
    at = 1 if name in SKIPS_BY_SECOND else 0
    arguments[at] = call("when", condition, arguments[at])
    return call(name, *arguments, is_distinct=function.unresolved_function.is_distinct)

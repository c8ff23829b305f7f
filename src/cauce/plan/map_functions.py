"""Rule: the functions of maps and pairs of arrays that take a lambda, by way of `transform` over an array."""

from collections.abc import Sequence

from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.plan.build import call, extract, integer, string
from cauce.plan.expression_text import function_name
from cauce.plan.function_calls import rewrite_calls
from cauce.plan.walk import transform, transform_expression, walk_expression

__all__ = ["MAP_FUNCTIONS", "rewrite_map_functions", "rewrite_map_functions_of"]


def rewrite_map_functions(relation: Relation, schema: object = None) -> Relation:
    """Replace every such call; columns keep the names they had. `schema` is not asked."""
    return transform(relation, rewrite_map_functions_of)


def rewrite_map_functions_of(node: Relation) -> Relation:
    """The same for one relation, its children aside."""
    return rewrite_calls(node, MAP_FUNCTIONS, _rewritten)


def _rewritten(expression: Expression) -> Expression:
    name = function_name(expression)
    arguments = expression.unresolved_function.arguments
    if name not in MAP_FUNCTIONS or arguments[-1].WhichOneof("expr_type") != "lambda_function":
        return expression
    return MAP_FUNCTIONS[name](*arguments)


def _transform_keys(entries: Expression, function: Expression) -> Expression:
    keys = call("transform", call("map_entries", entries), _over_entry(function))
    return call("map_from_arrays", keys, call("map_values", entries))


def _transform_values(entries: Expression, function: Expression) -> Expression:
    values = call("transform", call("map_entries", entries), _over_entry(function))
    return call("map_from_arrays", call("map_keys", entries), values)


def _map_zip_with(left: Expression, right: Expression, function: Expression) -> Expression:
    """Both maps' keys, those of the left first; null for a side that lacks one."""
    keys = call("array_union", call("map_keys", left), call("map_keys", right))
    name = _fresh_name(function)
    key = _variable(name)
    values = [key, call("try_element_at", left, key), call("try_element_at", right, key)]
    return call(
        "map_from_arrays", keys, call("transform", keys, _lambda(name, _with_values(function, values)))
    )


def _zip_with(left: Expression, right: Expression, function: Expression) -> Expression:
    """As far as the longer array reaches; null for the elements the shorter one lacks."""
    longest = call("greatest", call("size", left), call("size", right))
    name = _fresh_name(function)
    place = _variable(name)
    places = call("filter", call("sequence", integer(0), longest), _lambda(name, call("<", place, longest)))
    values = [call("get", left, place), call("get", right, place)]
    zipped = call("transform", places, _lambda(name, _with_values(function, values)))
    either = call("or", call("isnull", left), call("isnull", right))
    return call("when", call("not", either), zipped)


MAP_FUNCTIONS = {
    "map_zip_with": _map_zip_with,
    "transform_keys": _transform_keys,
    "transform_values": _transform_values,
    "zip_with": _zip_with,
}


def _over_entry(function: Expression) -> Expression:
    """A lambda of key and value as one of a map's entry."""
    name = _fresh_name(function)
    entry = _variable(name)
    parts = [extract(entry, string("key")), extract(entry, string("value"))]
    return _lambda(name, _with_values(function, parts))


def _with_values(function: Expression, values: Sequence[Expression]) -> Expression:
    """The lambda's body with these values in the place of its arguments."""
    names = [".".join(argument.name_parts) for argument in function.lambda_function.arguments]
    chosen = dict(zip(names, values, strict=True))

    def replaced(expression: Expression) -> Expression:
        if expression.WhichOneof("expr_type") != "unresolved_named_lambda_variable":
            return expression
        return chosen.get(".".join(expression.unresolved_named_lambda_variable.name_parts), expression)

    return transform_expression(function.lambda_function.function, replaced)


def _fresh_name(function: Expression) -> str:
    """A name for the variable that no lambda inside this one's body has: they were rewritten before it."""
    inside = walk_expression(function.lambda_function.function)
    return f"element_{sum(each.HasField('lambda_function') for each in inside)}"


def _lambda(name: str, body: Expression) -> Expression:
    argument = Expression.UnresolvedNamedLambdaVariable(name_parts=[name])
    return Expression(lambda_function=Expression.LambdaFunction(function=body, arguments=[argument]))


def _variable(name: str) -> Expression:
    variable = Expression.UnresolvedNamedLambdaVariable(name_parts=[name])
    return Expression(unresolved_named_lambda_variable=variable)

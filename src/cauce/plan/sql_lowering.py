"""SQL forms that Connect has no message for, written with those it has; their columns keep Spark's names.

The reader first makes calls to functions that do not exist (`between`, `filter_where`), so that names are
taken from what the user wrote; here they become comparisons and CASE expressions.
"""

from collections.abc import Container, Sequence

from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.plan.build import alias, call, extract, integer, string
from cauce.plan.expression_text import function_name, output_name, output_names
from cauce.plan.walk import transform_expression

__all__ = ["FILTER", "lowered", "lowered_inside", "named_column", "row", "row_items"]

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


def lowered_inside(expression: Expression) -> Expression:
    """The expression in functions the engine has, without a name: for conditions and keys."""
    result = lowered(expression)
    was_named = expression.HasField("alias")
    return result if was_named or not result.HasField("alias") else result.alias.expr


def named_column(item: Expression, tables: Container[str] = ()) -> Expression:
    """A select item under the name Spark gives it, said outright where the engine would say another."""
    if item.WhichOneof("expr_type") in (
        "unresolved_attribute",
        "unresolved_star",
        "alias",
        "expression_string",
    ):
        return lowered(item)
    if function_name(item) in (
        "explode",
        "explode_outer",
        "posexplode",
        "posexplode_outer",
        "inline",
        "stack",
        "window",
    ):
        return item
    return alias(lowered_inside(item), *output_names(item, tables))


def _lower(expression: Expression) -> Expression:
    match function_name(expression):
        case "between":
            value, low, high = expression.unresolved_function.arguments
            return call("and", call(">=", value, low), call("<=", value, high))
        case "likeall" | "likeany" | "ilikeall" | "ilikeany" as name:
            value, *patterns = expression.unresolved_function.arguments
            function = name.removesuffix("all").removesuffix("any")
            connective = "and" if name.endswith("all") else "or"
            return _joined(connective, [call(function, value, pattern) for pattern in patterns])
        case "in" if row_items(expression.unresolved_function.arguments[0]):
            return _rows_in(expression.unresolved_function.arguments)
        case name if name == FILTER:
            function, condition = expression.unresolved_function.arguments
            return _filtered(function, condition)
        case _:
            return expression


def row(items: Sequence[Expression]) -> Expression:
    """`(a, b + 1)`: a struct whose fields are named after columns, or by their place."""
    names = [_field_name(item, place) for place, item in enumerate(items, 1)]
    values = [item.alias.expr if item.HasField("alias") else item for item in items]
    pairs = zip(names, values, strict=True)
    return call("named_struct", *(part for name, value in pairs for part in (string(name), value)))


def row_items(expression: Expression) -> list[Expression]:
    """The values of a row in parentheses; none if it is something else."""
    if function_name(expression) != "named_struct":
        return []
    return list(expression.unresolved_function.arguments[1::2])


def _field_name(item: Expression, place: int) -> str:
    is_named = item.WhichOneof("expr_type") in ("alias", "unresolved_attribute")
    return output_name(item) if is_named else f"col{place}"


def _joined(connective: str, conditions: Sequence[Expression]) -> Expression:
    result = conditions[0]
    for condition in conditions[1:]:
        result = call(connective, result, condition)
    return result


def _rows_in(rows: Sequence[Expression]) -> Expression:
    """`(a, b) IN ((1, 2), ..)` by columns: the engine compares structs by their fields' names too."""
    values, *candidates = map(row_items, rows)
    equal = [
        _joined("and", [call("==", a, b) for a, b in zip(values, candidate, strict=True)])
        for candidate in candidates
    ]
    return _joined("or", equal)


def _filtered(function: Expression, condition: Expression) -> Expression:
    """Aggregates skip nulls, so a row that fails the condition contributes a null instead."""
    name = function_name(function)
    arguments = list(function.unresolved_function.arguments)
    if name in KEEPS_NULLS and len(arguments) == 1:
        # A null is a value here: wrapped, it is told from a row that does not count.
        kept = call("when", condition, call("named_struct", string("value"), arguments[0]))
        ignore_nulls = Expression(literal=Expression.Literal(boolean=True))
        return extract(call(name, kept, ignore_nulls), string("value"))
    if not arguments or arguments[0].HasField("unresolved_star"):
        arguments = [integer(1)]
    at = 1 if name in SKIPS_BY_SECOND else 0
    arguments[at] = call("when", condition, arguments[at])
    return call(name, *arguments, is_distinct=function.unresolved_function.is_distinct)

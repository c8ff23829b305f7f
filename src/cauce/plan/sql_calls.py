"""Calls with a syntax of their own: `CAST(a AS INT)`, `EXTRACT(YEAR FROM ts)`, `sum(a) OVER (...)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.errors import UnsupportedOperationException
from cauce.plan.build import call, integer, string
from cauce.plan.sql_lowering import FILTER

if TYPE_CHECKING:
    from cauce.plan.sql_expressions import ExpressionParser

__all__ = ["KEYWORD_CALLS", "NAMED_WINDOW", "filtered", "over", "window", "within_group"]

NAMED_WINDOW = "__cauce_named_window"
"""Stands in PARTITION BY for the definition of that name, which follows in the WINDOW clause."""


def over(parser: ExpressionParser, function: Expression) -> Expression:
    """A function over the window whose definition, or name, follows the word OVER."""
    if not parser.tokens.at_symbol("("):
        named = call(NAMED_WINDOW, string(parser.tokens.name()))
        return Expression(window=Expression.Window(window_function=function, partition_spec=[named]))
    found = window(parser)
    found.window_function.CopyFrom(function)
    return Expression(window=found)


def window(parser: ExpressionParser) -> Expression.Window:
    """`(PARTITION BY .. ORDER BY .. ROWS ..)`, of no function yet."""
    tokens = parser.tokens
    tokens.expect_symbol("(")
    found = Expression.Window()
    if tokens.take("PARTITION", "BY") or tokens.take("DISTRIBUTE", "BY"):
        found.partition_spec.extend(tokens.separated(parser.expression))
    if tokens.take("ORDER", "BY") or tokens.take("SORT", "BY"):
        found.order_spec.extend(tokens.separated(parser.sort_order))
    if (unit := tokens.take_any("ROWS", "RANGE")) is not None:
        _read_frame(parser, found.frame_spec, unit)
    tokens.expect_symbol(")")
    return found


def filtered(parser: ExpressionParser, function: Expression) -> Expression:
    """The function, or what `FILTER (WHERE ..)` makes of it."""
    tokens = parser.tokens
    if not tokens.take("FILTER"):
        return function
    tokens.expect_symbol("(")
    tokens.expect("WHERE")
    function = call(FILTER, function, parser.expression())
    tokens.expect_symbol(")")
    return function


def within_group(
    parser: ExpressionParser, name: str, arguments: list[Expression], *, is_distinct: bool
) -> Expression:
    """`function(..) WITHIN GROUP (ORDER BY value)` as functions that order their values themselves."""
    parser.tokens.expect_symbol("(")
    parser.tokens.expect("ORDER", "BY")
    order = parser.sort_order()
    parser.tokens.expect_symbol(")")
    is_ascending = order.direction != Expression.SortOrder.SORT_DIRECTION_DESCENDING
    match name, arguments:
        case "percentile_cont", [part] if not is_distinct:
            wanted = part if is_ascending else call("-", integer(1), part)
            return filtered(parser, call("percentile", order.child, wanted))
        case "mode", [] if is_ascending and not is_distinct:
            first = Expression(literal=Expression.Literal(boolean=True))
            return filtered(parser, call("mode", order.child, first))
        case "listagg" | "string_agg", [value, *separator] if value == order.child:
            if parser.tokens.at_any("FILTER"):
                raise UnsupportedOperationException(None, f"{name} FILTER is not supported over a stream.")
            all_values = call("collect_set" if is_distinct else "collect_list", value)
            is_up = Expression(literal=Expression.Literal(boolean=is_ascending))
            joined = call("array_join", call("sort_array", all_values, is_up), *(separator or [string("")]))
            return call("when", call(">", call("count", value), integer(0)), joined)
    raise UnsupportedOperationException(
        None, f"{name} in this form WITHIN GROUP is not supported over a stream."
    )


def _read_frame(parser: ExpressionParser, frame: Expression.Window.WindowFrame, unit: str) -> None:
    frame.frame_type = frame.FRAME_TYPE_ROW if unit == "ROWS" else frame.FRAME_TYPE_RANGE
    between = parser.tokens.take("BETWEEN")
    frame.lower.CopyFrom(_boundary(parser))
    if between:
        parser.tokens.expect("AND")
        frame.upper.CopyFrom(_boundary(parser))
    else:
        frame.upper.current_row = True


def _boundary(parser: ExpressionParser) -> Expression.Window.WindowFrame.FrameBoundary:
    boundary = Expression.Window.WindowFrame.FrameBoundary
    if parser.tokens.take("CURRENT", "ROW"):
        return boundary(current_row=True)
    if parser.tokens.take("UNBOUNDED"):
        parser.tokens.next()
        return boundary(unbounded=True)
    value = parser.value()
    if parser.tokens.take_any("PRECEDING", "FOLLOWING") != "PRECEDING":
        return boundary(value=value)
    is_integer = value.literal.HasField("integer")
    return boundary(value=integer(-value.literal.integer) if is_integer else call("-", value))


def _cast(parser: ExpressionParser) -> Expression:
    value = parser.expression()
    parser.tokens.expect("AS")
    cast = Expression.Cast(expr=value, type_str=parser.tokens.data_type())
    parser.tokens.expect_symbol(")")
    return Expression(cast=cast)


def _try_cast(parser: ExpressionParser) -> Expression:
    expression = _cast(parser)
    expression.cast.eval_mode = Expression.Cast.EVAL_MODE_TRY
    return expression


def _extract_part(parser: ExpressionParser) -> Expression:
    part = parser.tokens.next()
    parser.tokens.expect("FROM")
    value = parser.expression()
    parser.tokens.expect_symbol(")")
    return call("extract", string(part.text), value)


def _trim(parser: ExpressionParser) -> Expression:
    side = parser.tokens.take_any("BOTH", "LEADING", "TRAILING") or "BOTH"
    characters = None if parser.tokens.at_any("FROM") else parser.expression()
    parser.tokens.expect("FROM")
    value = parser.expression()
    parser.tokens.expect_symbol(")")
    name = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[side]
    return call(name, value) if characters is None else call(name, characters, value)


def _substring(parser: ExpressionParser) -> Expression:
    arguments = [parser.expression()]
    parser.tokens.expect("FROM")
    arguments.append(parser.expression())
    if parser.tokens.take("FOR"):
        arguments.append(parser.expression())
    parser.tokens.expect_symbol(")")
    return call("substring", *arguments)


def _position(parser: ExpressionParser) -> Expression:
    part = parser.value()
    parser.tokens.expect("IN")
    value = parser.expression()
    parser.tokens.expect_symbol(")")
    return call("locate", part, value, integer(1))


KEYWORD_CALLS: Mapping[str, Callable[[ExpressionParser], Expression]] = {
    "cast": _cast,
    "try_cast": _try_cast,
    "extract": _extract_part,
    "trim": _trim,
    "substring": _substring,
    "substr": _substring,
    "position": _position,
}

"""What can be said of a value: BETWEEN, IN, LIKE and its kin, IS [NOT] NULL, TRUE or DISTINCT FROM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql.connect.proto.expressions_pb2 import Expression, SubqueryExpression

from cauce.plan.build import call

if TYPE_CHECKING:
    from cauce.plan.sql_expressions import ExpressionParser

__all__ = ["predicate"]


def predicate(parser: ExpressionParser, value: Expression) -> Expression:
    """The value, or what the predicates that follow it say of it."""
    tokens = parser.tokens
    while True:
        start = tokens.here
        negated = tokens.at_any("NOT") and tokens.take("NOT")
        if tokens.take("BETWEEN"):
            low = parser.value()
            tokens.expect("AND")
            result = call("between", value, low, parser.value())
        elif tokens.take("IN"):
            result = _in(parser, value)
        elif tokens.at_any("LIKE", "ILIKE", "RLIKE", "REGEXP"):
            result = _like(parser, value)
        elif not negated and tokens.take("IS"):
            result = _is(parser, value)
        elif negated:
            tokens.fail(f": extra input '{start.text}'")
        else:
            return value
        value = call("not", result) if negated else result


def _in(parser: ExpressionParser, value: Expression) -> Expression:
    parser.tokens.expect_symbol("(")
    if parser.at_query():
        return parser.subquery(SubqueryExpression.SUBQUERY_TYPE_IN, [value])
    items = parser.tokens.separated(parser.expression)
    parser.tokens.expect_symbol(")")
    return call("in", value, *items)


def _like(parser: ExpressionParser, value: Expression) -> Expression:
    word = parser.tokens.next().upper
    name = "rlike" if word == "REGEXP" else word.lower()
    quantifier = parser.tokens.take_any("ANY", "SOME", "ALL")
    if quantifier is not None:
        parser.tokens.expect_symbol("(")
        patterns = parser.tokens.separated(parser.expression)
        parser.tokens.expect_symbol(")")
        return call(name + ("all" if quantifier == "ALL" else "any"), value, *patterns)
    pattern = parser.value()
    if parser.tokens.take("ESCAPE"):
        return call(name, value, pattern, parser.primary())
    return call(name, value, pattern)


def _is(parser: ExpressionParser, value: Expression) -> Expression:
    negated = parser.tokens.take("NOT")
    if parser.tokens.take("NULL"):
        return call("isNotNull" if negated else "isNull", value)
    if parser.tokens.take("DISTINCT", "FROM"):
        same = call("<=>", value, parser.value())
        return same if negated else call("not", same)
    word = parser.tokens.take_any("TRUE", "FALSE", "UNKNOWN")
    if word is None:
        parser.tokens.fail()
    if word == "UNKNOWN":
        result = call("isNull", value)
    else:
        result = call("<=>", value, Expression(literal=Expression.Literal(boolean=word == "TRUE")))
    return call("not", result) if negated else result

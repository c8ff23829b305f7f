"""Conditions of a filter as SQL for the database, as far as both mean the same."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pyspark.sql.connect.proto import Expression
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    NumericType,
    StringType,
    StructField,
    StructType,
)

from cauce.jdbc.dialect import Dialect
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import walk_expression

__all__ = ["conjuncts", "mentioned", "sql_condition"]

COMPARISONS = {"==": "=", "=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "!=": "<>", "<>": "<>"}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
EXACT: tuple[type[DataType], ...] = (BooleanType, NumericType, DateType)
"""Types that are ordered alike everywhere; text is only compared for equality."""


def conjuncts(condition: Expression) -> Iterator[Expression]:
    """The parts of a condition that must all hold."""
    function = condition.unresolved_function
    if function.function_name.lower() in ("and", "&&"):
        for part in function.arguments:
            yield from conjuncts(part)
    else:
        yield condition


def sql_condition(condition: Expression, columns: StructType, dialect: Dialect) -> str | None:
    """The condition in the database's words; None if it has none of the same meaning."""
    function = condition.unresolved_function
    name = function.function_name.lower()
    arguments = list(function.arguments)
    match name:
        case "and" | "&&" | "or" | "||":
            parts = [sql_condition(part, columns, dialect) for part in arguments]
            word = " AND " if name in ("and", "&&") else " OR "
            return None if None in parts else "(" + word.join(filter(None, parts)) + ")"
        case "not" | "!":
            inner = sql_condition(arguments[0], columns, dialect)
            return None if inner is None else f"(NOT {inner})"
        case "isnull" | "isnotnull":
            column = _column(arguments[0], columns)
            word = "IS NULL" if name == "isnull" else "IS NOT NULL"
            return None if column is None else f"({_spelled(column, dialect)} {word})"
        case "in":
            return _in(arguments, columns, dialect)
    return _comparison(COMPARISONS[name], arguments, columns, dialect) if name in COMPARISONS else None


def mentioned(expression: Expression) -> list[str] | None:
    """Every name that may be a column in it; None if it may mean more than it names."""
    names: list[str] = []
    for part in walk_expression(expression):
        if part.WhichOneof("expr_type") in OPAQUE:
            return None
        if part.HasField("unresolved_attribute"):
            names += identifier_parts(part.unresolved_attribute.unparsed_identifier)
    return names


OPAQUE = (
    "expression_string",
    "unresolved_regex",
    "unresolved_star",
    "subquery_expression",
    "extension",
    "direct_shuffle_partition_id",
)


def _comparison(sign: str, arguments: list[Expression], columns: StructType, dialect: Dialect) -> str | None:
    left, right = arguments
    if left.HasField("literal"):
        left, right, sign = right, left, MIRRORED[sign]
    column = _column(left, columns)
    if column is None or not right.HasField("literal"):
        return None
    if not _comparable_alike(column) or not (isinstance(column.dataType, EXACT) or sign in ("=", "<>")):
        return None
    literal = _literal(right, column.dataType, dialect)
    return None if literal is None else f"({_spelled(column, dialect)} {sign} {literal})"


def _in(arguments: list[Expression], columns: StructType, dialect: Dialect) -> str | None:
    column = _column(arguments[0], columns)
    if column is None or not _comparable_alike(column):
        return None
    literals = [_literal(each, column.dataType, dialect) for each in arguments[1:]]
    if not literals or None in literals:
        return None
    return f"({_spelled(column, dialect)} IN ({', '.join(filter(None, literals))}))"


def _column(expression: Expression, columns: StructType) -> StructField | None:
    if not expression.HasField("unresolved_attribute"):
        return None
    name = identifier_parts(expression.unresolved_attribute.unparsed_identifier)[-1].lower()
    found = [field for field in columns if field.name.lower() == name]
    return found[0] if len(found) == 1 else None


def _comparable_alike(column: StructField) -> bool:
    return (column.metadata or {}).get("comparable", True)


def _spelled(column: StructField, dialect: Dialect) -> str:
    expression: str = (column.metadata or {}).get("expression", "{}")
    return expression.replace("{}", dialect.quoted(column.name))


def _literal(expression: Expression, kind: DataType, dialect: Dialect) -> str | None:
    value = _value(expression.literal)
    if value is None or not _comparable(value, kind):
        return None
    return dialect.literal(value, kind)


def _value(literal: Expression.Literal) -> Any:
    match literal.WhichOneof("literal_type"):
        case "boolean" | "byte" | "short" | "integer" | "long" | "float" | "double" | "string" as name:
            return getattr(literal, name)
        case "decimal":
            return Decimal(literal.decimal.value)
        case "date":
            return date(1970, 1, 1) + timedelta(days=literal.date)
    return None


def _comparable(value: Any, kind: DataType) -> bool:
    """Whether the two compare without a conversion."""
    match value:
        case bool():
            return isinstance(kind, BooleanType)
        case int() | float() | Decimal():
            return isinstance(kind, NumericType)
        case str():
            return isinstance(kind, StringType)
    return isinstance(kind, DateType)

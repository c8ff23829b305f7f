"""Make Connect relations and expressions in one line each: what rules and the SQL reader build with."""

from collections.abc import Iterable, Sequence

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import (
    Drop,
    Filter,
    Project,
    Relation,
    SetOperation,
    SubqueryAlias,
)
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import DataType

__all__ = [
    "alias",
    "attribute",
    "call",
    "drop",
    "extract",
    "filter_by",
    "integer",
    "long",
    "project",
    "quoted",
    "star",
    "string",
    "subquery_alias",
    "text_as",
    "union_all",
]


def attribute(*parts: str) -> Expression:
    """A column by its name, or a struct's field by the names leading to it; quoted where needed."""
    identifier = ".".join(quoted(part) for part in parts)
    return Expression(unresolved_attribute=Expression.UnresolvedAttribute(unparsed_identifier=identifier))


def quoted(name: str) -> str:
    """A name as part of an unparsed identifier: back quotes around anything but a plain word."""
    return name if name.isidentifier() else "`" + name.replace("`", "``") + "`"


def star(target: str | None = None) -> Expression:
    """All columns, or all columns of one table or struct."""
    unparsed = None if target is None else f"{target}.*"
    return Expression(unresolved_star=Expression.UnresolvedStar(unparsed_target=unparsed))


def integer(value: int) -> Expression:
    """An INT literal."""
    return Expression(literal=Expression.Literal(integer=value))


def long(value: int) -> Expression:
    """A BIGINT literal."""
    return Expression(literal=Expression.Literal(long=value))


def string(value: str) -> Expression:
    """A STRING literal."""
    return Expression(literal=Expression.Literal(string=value))


def text_as(kind: DataType, text: str | None) -> Expression:
    """A constant of this type, cast from its text as values of partition columns are; None is null."""
    type_message = pyspark_types_to_proto_types(kind)
    if text is None:
        return Expression(literal=Expression.Literal(null=type_message))
    return Expression(cast=Expression.Cast(expr=string(text), type=type_message))


def call(name: str, *arguments: Expression, is_distinct: bool = False) -> Expression:
    """A function call; operators are functions named by their symbol."""
    function = Expression.UnresolvedFunction(function_name=name, arguments=arguments, is_distinct=is_distinct)
    return Expression(unresolved_function=function)


def alias(expression: Expression, *names: str) -> Expression:
    """The expression under another name, or under several for one that makes several columns."""
    return Expression(alias=Expression.Alias(expr=expression, name=names))


def extract(child: Expression, key: Expression) -> Expression:
    """A field of a struct, an element of an array or a value of a map."""
    value = Expression.UnresolvedExtractValue(child=child, extraction=key)
    return Expression(unresolved_extract_value=value)


def project(child: Relation, expressions: Iterable[Expression]) -> Relation:
    """A SELECT list over `child`."""
    return Relation(project=Project(input=child, expressions=expressions))


def filter_by(child: Relation, condition: Expression) -> Relation:
    """The rows of `child` for which the condition holds."""
    return Relation(filter=Filter(input=child, condition=condition))


def drop(child: Relation, *names: str) -> Relation:
    """`child` without these columns."""
    return Relation(drop=Drop(input=child, column_names=names))


def subquery_alias(child: Relation, name: str) -> Relation:
    """`child` under a table name."""
    return Relation(subquery_alias=SubqueryAlias(input=child, alias=name))


def union_all(parts: Sequence[Relation]) -> Relation:
    """All rows of one or more relations: a balanced tree, so that a thousand do not go a thousand deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return Relation(
        set_op=SetOperation(
            left_input=union_all(parts[:middle]),
            right_input=union_all(parts[middle:]),
            set_op_type=SetOperation.SET_OP_TYPE_UNION,
            is_all=True,
        )
    )

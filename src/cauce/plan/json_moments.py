"""Rule: dates and moments inside `from_json` are read as text and cast, as Spark reads them.

The engine's own `from_json` knows one way to write a moment and fails on every other, ISO 8601 included.
"""

import json
from collections.abc import Callable

from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.plan.expression_text import function_name
from cauce.plan.function_calls import rewrite_calls
from cauce.plan.walk import transform

__all__ = ["cast_from_text", "json_schema", "read_json_moments", "read_json_moments_of"]

FUNCTIONS = frozenset({"from_json"})
MOMENTS = (DateType, TimestampType, TimestampNTZType)


def read_json_moments(relation: Relation, schema: object = None) -> Relation:
    """Rewrite every such call; columns keep the names they had. `schema` is not asked."""
    return transform(relation, read_json_moments_of)


def read_json_moments_of(node: Relation) -> Relation:
    """The same for one relation, its children aside."""
    return rewrite_calls(node, FUNCTIONS, _read_as_text)


def _read_as_text(expression: Expression) -> Expression:
    """A call without options, whose schema is a text in the program and has dates or moments."""
    arguments = expression.unresolved_function.arguments
    if function_name(expression) != "from_json" or len(arguments) != 2:
        return expression
    schema = json_schema(arguments[1].literal.string)
    if schema is None or _with_texts(schema) == schema:
        return expression

    def read(texts: StructType) -> Expression:
        call = Expression()
        call.CopyFrom(expression)
        call.unresolved_function.arguments[1].literal.string = texts.json()
        return call

    return cast_from_text(schema, read, may_fail=False)


def cast_from_text(
    schema: StructType, read: Callable[[StructType], Expression], *, may_fail: bool = True
) -> Expression:
    """What `read` gives for the schema with texts for moments, cast to the schema."""
    texts = _with_texts(schema)
    assert isinstance(texts, StructType), "a struct stays one"
    if texts == schema:
        return read(schema)
    mode = Expression.Cast.EVAL_MODE_ANSI if may_fail else Expression.Cast.EVAL_MODE_TRY
    return Expression(
        cast=Expression.Cast(expr=read(texts), type=pyspark_types_to_proto_types(schema), eval_mode=mode)
    )


def json_schema(text: str) -> StructType | None:
    """A schema as clients send it: JSON or DDL; None for what the engine is to judge."""
    try:
        if text.lstrip().startswith(("{", '"')):
            parsed = json.loads(text)
            return StructType.fromJson(parsed) if parsed["type"] == "struct" else None
        found = DataType.fromDDL(text) if text else None
    except Exception:  # whatever is wrong with it, the engine says so in its own words
        return None
    return found if isinstance(found, StructType) else None


def _with_texts(schema: DataType) -> DataType:
    match schema:
        case StructType():
            return StructType([StructField(f.name, _with_texts(f.dataType), f.nullable) for f in schema])
        case ArrayType():
            return ArrayType(_with_texts(schema.elementType), schema.containsNull)
        case MapType():
            return MapType(schema.keyType, _with_texts(schema.valueType), schema.valueContainsNull)
    return StringType() if isinstance(schema, MOMENTS) else schema

"""Rule: `from_avro` and `to_avro`, which the engine does not know, are functions on Arrow columns."""

import sys

from pyspark.serializers import CloudPickleSerializer
from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import CommonInlineUserDefinedFunction, Expression, PythonUDF
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import BinaryType, DataType
from pyspark.util import PythonEvalType

from cauce.errors import AnalysisException
from cauce.formats.avro import AvroDecoder, AvroEncoder, avro_type
from cauce.plan.build import alias
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.walk import (
    expressions,
    kind,
    replace_expressions,
    transform,
    transform_expression,
    walk_expressions,
)

__all__ = ["has_avro_functions", "rewrite_avro_functions", "rewrite_avro_node"]

FUNCTIONS = frozenset({"from_avro", "to_avro"})
NEVER_NULL = frozenset({"struct", "named_struct", "array", "map"})
REGISTRY = "cauce.schemaRegistryUrl"
"""Option of `from_avro`: records have the header of a Confluent registry at this address."""


def rewrite_avro_functions(relation: Relation, schema: object = None) -> Relation:
    """Replace every such call; columns keep the names they had. `schema` is not asked."""
    return transform(relation, rewrite_avro_node)


def rewrite_avro_node(node: Relation) -> Relation:
    """The same for one relation, its children aside."""
    if not has_avro_functions(node):
        return node
    old = expressions(node)
    new = [transform_expression(expression, _function) for expression in old]
    named = len(old) if kind(node) in ("project", "aggregate") else 0
    return replace_expressions(node, [*map(_named_as, old[:named], new[:named]), *new[named:]])


def has_avro_functions(node: Relation) -> bool:
    return any(function_name(expression) in FUNCTIONS for expression in walk_expressions(node))


def _named_as(old: Expression, new: Expression) -> Expression:
    return new if new is old or new.HasField("alias") else alias(new, output_name(old))


def _function(expression: Expression) -> Expression:
    name = function_name(expression)
    if name not in FUNCTIONS:
        return expression
    data, *rest = expression.unresolved_function.arguments
    return _decoding(data, rest) if name == "from_avro" else _encoding(data, rest)


def _decoding(data: Expression, rest: list[Expression]) -> Expression:
    writer = _text(rest[0])
    options = {key.lower(): value for key, value in _options(rest[1:]).items()}
    mode = options.get("mode", "FAILFAST").upper()
    if mode not in ("FAILFAST", "PERMISSIVE"):
        raise AnalysisException(
            None,
            f"The `from_avro` function doesn't support the {mode} mode. Acceptable modes are PERMISSIVE "
            "and FAILFAST.",
        )
    reader = options.get("avroschema", writer)
    decoder = AvroDecoder(writer, reader, mode == "FAILFAST", options.get(REGISTRY.lower()))
    return _call(decoder, data, avro_type(reader)[0], "from_avro")


def _encoding(data: Expression, rest: list[Expression]) -> Expression:
    schema = _text(rest[0]) if rest else None
    if schema is not None:
        avro_type(schema)
    value = data.alias.expr if data.HasField("alias") else data
    nullable = schema is not None or function_name(value) not in NEVER_NULL
    return _call(AvroEncoder(schema, nullable), data, BinaryType(), "to_avro")


def _call(function: object, data: Expression, result: DataType, name: str) -> Expression:
    python = PythonUDF(
        output_type=pyspark_types_to_proto_types(result),
        eval_type=PythonEvalType.SQL_SCALAR_ARROW_UDF,
        command=CloudPickleSerializer().dumps((function, result)),
        python_ver=f"{sys.version_info.major}.{sys.version_info.minor}",
    )
    return Expression(
        common_inline_user_defined_function=CommonInlineUserDefinedFunction(
            function_name=name, deterministic=True, arguments=[data], python_udf=python
        )
    )


def _text(expression: Expression) -> str:
    if not expression.literal.HasField("string"):
        raise AnalysisException(None, "The schema of from_avro and to_avro must be a text in the program.")
    return expression.literal.string


def _options(rest: list[Expression]) -> dict[str, str]:
    """`map('mode', 'PERMISSIVE')`, as PySpark sends options."""
    texts = [_text(each) for argument in rest for each in argument.unresolved_function.arguments]
    return dict(zip(texts[::2], texts[1::2], strict=True))

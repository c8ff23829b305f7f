"""Rule: `from_avro` and `to_avro`, which the engine does not know, are functions on Arrow columns."""

from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.types import BinaryType

from cauce.errors import AnalysisException
from cauce.formats.avro import AvroDecoder, AvroEncoder, avro_type
from cauce.plan.arrow_functions import arrow_function, literal_text, option_texts
from cauce.plan.expression_text import function_name
from cauce.plan.function_calls import rewrite_calls
from cauce.plan.walk import transform, walk_expressions

__all__ = ["has_avro_functions", "rewrite_avro_functions", "rewrite_avro_node"]

FUNCTIONS = frozenset({"from_avro", "to_avro"})
NEVER_NULL = frozenset({"struct", "named_struct", "array", "map"})
SCHEMA, OPTIONS = "The schema of from_avro and to_avro", "An option of from_avro"
REGISTRY = "cauce.schemaRegistryUrl"
"""Option of `from_avro`: records have the header of a Confluent registry at this address."""


def rewrite_avro_functions(relation: Relation, schema: object = None) -> Relation:
    """Replace every such call; columns keep the names they had. `schema` is not asked."""
    return transform(relation, rewrite_avro_node)


def rewrite_avro_node(node: Relation) -> Relation:
    """The same for one relation, its children aside."""
    return rewrite_calls(node, FUNCTIONS, _function)


def has_avro_functions(node: Relation) -> bool:
    return any(function_name(expression) in FUNCTIONS for expression in walk_expressions(node))


def _function(expression: Expression) -> Expression:
    name = function_name(expression)
    if name not in FUNCTIONS:
        return expression
    data, *rest = expression.unresolved_function.arguments
    return _decoding(data, rest) if name == "from_avro" else _encoding(data, rest)


def _decoding(data: Expression, rest: list[Expression]) -> Expression:
    writer = literal_text(rest[0], SCHEMA)
    options = option_texts(rest[1:], OPTIONS)
    mode = options.get("mode", "FAILFAST").upper()
    if mode not in ("FAILFAST", "PERMISSIVE"):
        raise AnalysisException(
            None,
            f"The `from_avro` function doesn't support the {mode} mode. Acceptable modes are PERMISSIVE "
            "and FAILFAST.",
        )
    reader = options.get("avroschema", writer)
    decoder = AvroDecoder(writer, reader, mode == "FAILFAST", options.get(REGISTRY.lower()))
    return arrow_function(decoder, [data], avro_type(reader)[0], "from_avro")


def _encoding(data: Expression, rest: list[Expression]) -> Expression:
    schema = literal_text(rest[0], SCHEMA) if rest else None
    if schema is not None:
        avro_type(schema)
    value = data.alias.expr if data.HasField("alias") else data
    nullable = schema is not None or function_name(value) not in NEVER_NULL
    return arrow_function(AvroEncoder(schema, nullable), [data], BinaryType(), "to_avro")

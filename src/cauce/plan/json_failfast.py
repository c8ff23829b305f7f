"""Rule: `from_json` in FAILFAST mode is a function on Arrow columns; the engine knows PERMISSIVE only."""

from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.types import StructType

from cauce.errors import AnalysisException
from cauce.formats.json_records import JsonDecoder
from cauce.plan.arrow_functions import arrow_function, option_texts
from cauce.plan.build import alias
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.json_moments import cast_from_text, json_schema
from cauce.plan.walk import (
    expressions,
    kind,
    replace_expressions,
    transform,
    transform_expression,
    walk_expressions,
)

__all__ = ["fail_fast_on_json", "fail_fast_on_json_of"]


def fail_fast_on_json(relation: Relation, schema: object = None) -> Relation:
    """Rewrite every such call; columns keep the names they had. `schema` is not asked."""
    return transform(relation, fail_fast_on_json_of)


def fail_fast_on_json_of(node: Relation) -> Relation:
    """The same for one relation, its children aside."""
    if not any(_fails_fast(expression) for expression in walk_expressions(node)):
        return node
    old = expressions(node)
    new = [transform_expression(expression, _decoded) for expression in old]
    named = len(old) if kind(node) in ("project", "aggregate") else 0
    return replace_expressions(node, [*map(_named_as, old[:named], new[:named]), *new[named:]])


def _named_as(old: Expression, new: Expression) -> Expression:
    return new if new is old or new.HasField("alias") else alias(new, output_name(old))


def _fails_fast(expression: Expression) -> bool:
    arguments = expression.unresolved_function.arguments
    if function_name(expression) != "from_json" or len(arguments) != 3:
        return False
    return option_texts(arguments[2:], "An option of from_json").get("mode", "").upper() == "FAILFAST"


def _decoded(expression: Expression) -> Expression:
    if not _fails_fast(expression):
        return expression
    arguments = expression.unresolved_function.arguments
    schema = json_schema(arguments[1].literal.string)
    if schema is None:
        raise AnalysisException(
            None, "from_json in FAILFAST mode takes a struct, whose schema is a text in the program."
        )
    options = option_texts(arguments[2:], "An option of from_json")

    def decode(texts: StructType) -> Expression:
        return arrow_function(JsonDecoder(texts.json(), options), arguments[0], texts, "from_json")

    return cast_from_text(schema, decode)

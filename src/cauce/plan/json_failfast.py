"""Rule: `from_json` in FAILFAST mode is a function on Arrow columns; the engine knows PERMISSIVE only."""

from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.types import StructType

from cauce.errors import AnalysisException
from cauce.formats.json_records import JsonDecoder
from cauce.plan.arrow_functions import arrow_function, option_texts
from cauce.plan.expression_text import function_name
from cauce.plan.function_calls import rewrite_calls
from cauce.plan.json_moments import cast_from_text, json_schema
from cauce.plan.walk import transform

__all__ = ["fail_fast_on_json", "fail_fast_on_json_of"]

FUNCTIONS = frozenset({"from_json"})


def fail_fast_on_json(relation: Relation, schema: object = None) -> Relation:
    """Rewrite every such call; columns keep the names they had. `schema` is not asked."""
    return transform(relation, fail_fast_on_json_of)


def fail_fast_on_json_of(node: Relation) -> Relation:
    """The same for one relation, its children aside."""
    return rewrite_calls(node, FUNCTIONS, _decoded)


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
        return arrow_function(JsonDecoder(texts.json(), options), [arguments[0]], texts, "from_json")

    return cast_from_text(schema, decode)

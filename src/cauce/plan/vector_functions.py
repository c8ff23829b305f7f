"""`vector_to_array(v)`, which Sail does not know, as a function over Arrow columns."""

import sys
from collections.abc import Callable
from typing import Any

from pyspark.sql.connect.proto.expressions_pb2 import CommonInlineUserDefinedFunction, Expression, PythonUDF
from pyspark.sql.connect.proto.relations_pb2 import Relation
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import ArrayType, DataType, DoubleType, FloatType

from cauce.formats.vector_arrays import double_array, float_array
from cauce.plan.expression_text import function_name
from cauce.plan.walk import transform, transform_expressions

__all__ = ["arrow_call", "rewrite_vector_functions", "rewrite_vector_functions_of"]

ARRAYS: dict[str, tuple[Callable[..., Any], DataType]] = {
    "float64": (double_array, ArrayType(DoubleType(), containsNull=False)),
    "float32": (float_array, ArrayType(FloatType(), containsNull=False)),
}


def rewrite_vector_functions(relation: Relation, _: object = None) -> Relation:
    """The relation and all below it with the calls replaced."""
    return transform(relation, rewrite_vector_functions_of)


def rewrite_vector_functions_of(relation: Relation) -> Relation:
    """This one relation with the calls replaced; the same object if there are none."""
    return transform_expressions(relation, _rewritten)


def arrow_call(function: Callable[..., Any], kind: DataType, *arguments: Expression) -> Expression:
    """A call of a function of Arrow columns, pickled by reference."""
    from pyspark.serializers import CloudPickleSerializer
    from pyspark.util import PythonEvalType

    udf = PythonUDF(
        output_type=pyspark_types_to_proto_types(kind),
        eval_type=PythonEvalType.SQL_SCALAR_ARROW_UDF,
        command=CloudPickleSerializer().dumps((function, kind)),
        python_ver=f"{sys.version_info.major}.{sys.version_info.minor}",
    )
    call = CommonInlineUserDefinedFunction(
        function_name=function.__name__, deterministic=True, arguments=arguments, python_udf=udf
    )
    return Expression(common_inline_user_defined_function=call)


def _rewritten(expression: Expression) -> Expression:
    if function_name(expression) != "vector_to_array":
        return expression
    vector, kind = expression.unresolved_function.arguments
    function, type_ = ARRAYS[kind.literal.string]
    return arrow_call(function, type_, vector)

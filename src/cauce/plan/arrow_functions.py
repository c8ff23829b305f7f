"""Calls of our own functions on Arrow columns, where Spark has a function that the engine lacks."""

import sys
from collections.abc import Callable, Sequence

import pyarrow as pa
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql.connect.proto.expressions_pb2 import CommonInlineUserDefinedFunction, Expression, PythonUDF
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import DataType
from pyspark.util import PythonEvalType

from cauce.errors import AnalysisException

__all__ = ["arrow_function", "arrow_udf", "literal_text", "option_texts"]


def arrow_function(
    function: Callable[..., pa.Array], arguments: Sequence[Expression], result: DataType, name: str
) -> Expression:
    """A call that gives a column of type `result`, shown as `name(...)`."""
    call = CommonInlineUserDefinedFunction(
        function_name=name, deterministic=True, arguments=arguments, python_udf=arrow_udf(function, result)
    )
    return Expression(common_inline_user_defined_function=call)


def arrow_udf(function: Callable[..., pa.Array], result: DataType) -> PythonUDF:
    """The function as the engine takes it, by pickle."""
    return PythonUDF(
        output_type=pyspark_types_to_proto_types(result),
        eval_type=PythonEvalType.SQL_SCALAR_ARROW_UDF,
        command=CloudPickleSerializer().dumps((function, result)),
        python_ver=f"{sys.version_info.major}.{sys.version_info.minor}",
    )


def literal_text(expression: Expression, what: str) -> str:
    """The text that stands in the program; `what` names it in the error for anything else."""
    if not expression.literal.HasField("string"):
        raise AnalysisException(None, f"{what} must be a text in the program.")
    return expression.literal.string


def option_texts(arguments: Sequence[Expression], what: str) -> dict[str, str]:
    """`map('mode', 'PERMISSIVE')`, as PySpark sends options; names in lower case."""
    texts = [literal_text(each, what) for given in arguments for each in given.unresolved_function.arguments]
    return {name.lower(): value for name, value in zip(texts[::2], texts[1::2], strict=True)}

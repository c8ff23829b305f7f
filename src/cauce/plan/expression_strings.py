"""Rule: expressions given as text (`F.expr`, `selectExpr`, `where("...")`) become structured ones.

Only then can other rules see a window, an aggregate or the current time inside. Text that this
package does not read is left for the engine.
"""

import re

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.errors import SparkError
from cauce.plan.sql import parse_expression
from cauce.plan.sql_lowering import named_column
from cauce.plan.walk import expressions, kind, replace_expressions, transform, transform_expression

__all__ = ["read_expression", "read_expressions"]

# Here an expression's own name becomes a column's.
NAMING = ("project", "aggregate")


def read_expressions(relation: Relation, mentioning: re.Pattern[str] | None = None) -> Relation:
    """The plan with every expression string read, or only those in which a pattern is found."""
    return transform(relation, lambda node: _read_node(node, mentioning))


def read_expression(expression: Expression, mentioning: re.Pattern[str] | None = None) -> Expression:
    """The expression with the strings inside it read."""
    return transform_expression(expression, lambda part: _read(part, mentioning))


def _read_node(node: Relation, mentioning: re.Pattern[str] | None) -> Relation:
    names_columns = kind(node) in NAMING
    new = []
    for expression in expressions(node):
        read = read_expression(expression, mentioning)
        is_new_column = names_columns and read is not expression and expression.HasField("expression_string")
        new.append(named_column(read) if is_new_column else read)
    return replace_expressions(node, new)


def _read(part: Expression, mentioning: re.Pattern[str] | None) -> Expression:
    if not part.HasField("expression_string"):
        return part
    text = part.expression_string.expression
    if mentioning is not None and not mentioning.search(text):
        return part
    try:
        read = parse_expression(text)
    except SparkError:
        return part
    return part if read == part else read

"""`zipWithIndex` and the default index of pandas API on Spark: row numbers 0, 1, 2, ..."""

from pyspark.sql.connect.proto import Expression, Relation

from cauce.connect.preparation import Preparation
from cauce.plan.build import call, long

__all__ = ["number_rows"]

SEQUENCE_ID = "distributed_sequence_id"


def number_rows(node: Relation, preparation: Preparation) -> None:
    """The internal function that Sail lacks is a row number in the order of the rows."""
    for expression in node.project.expressions:
        function = expression.alias.expr.unresolved_function
        if function.function_name == SEQUENCE_ID:
            expression.alias.expr.CopyFrom(_row_number())


def _row_number() -> Expression:
    order = Expression.SortOrder(
        child=call("monotonically_increasing_id"),
        direction=Expression.SortOrder.SORT_DIRECTION_ASCENDING,
        null_ordering=Expression.SortOrder.SORT_NULLS_FIRST,
    )
    number = Expression(window=Expression.Window(window_function=call("row_number"), order_spec=[order]))
    from_zero = call("-", number, long(1))
    return Expression(cast=Expression.Cast(expr=from_zero, type_str="bigint"))

"""`describe` and `summary`: Sail computes the rows, in any order; Spark has a fixed one."""

from pyspark.sql.connect.proto import Expression, Relation, Sort

from cauce.connect.preparation import Preparation, replace
from cauce.plan.build import attribute, call, string

__all__ = ["describe", "summary"]

DESCRIBE = ("count", "mean", "stddev", "min", "max")
SUMMARY = ("count", "mean", "stddev", "min", "25%", "50%", "75%", "max")


def describe(node: Relation, preparation: Preparation) -> None:
    _sort_by(DESCRIBE, node)


def summary(node: Relation, preparation: Preparation) -> None:
    _sort_by(tuple(node.summary.statistics) or SUMMARY, node)


def _sort_by(statistics: tuple[str, ...], node: Relation) -> None:
    unsorted = Relation()
    unsorted.CopyFrom(node)
    unsorted.ClearField("common")
    names = call("array", *[string(name) for name in statistics])
    order = Expression.SortOrder(
        child=call("array_position", names, attribute("summary")),
        direction=Expression.SortOrder.SORT_DIRECTION_ASCENDING,
        null_ordering=Expression.SortOrder.SORT_NULLS_LAST,
    )
    replace(node, Relation(sort=Sort(input=unsorted, order=[order], is_global=True)))

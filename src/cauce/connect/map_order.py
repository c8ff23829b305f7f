"""Rows keep their order through a function of batches."""

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation

from cauce.connect.preparation import Preparation
from cauce.plan.walk import children, kind

__all__ = ["keep_order", "sorted_input"]

ORDERED = (
    "drop",
    "filter",
    "project",
    "subquery_alias",
    "to_df",
    "to_schema",
    "with_columns",
    "with_columns_renamed",
)
"""What lets the order of its input through."""
ROWS_MAX = 2**31 - 1
"""The largest limit a plan can hold. A sort of more rows than these does not fit one machine's memory."""


def keep_order(node: Relation, _: Preparation) -> None:
    """`df.orderBy(...).mapInArrow(...)` and its likes."""
    node.map_partitions.input.CopyFrom(sorted_input(node.map_partitions.input))


def sorted_input(relation: Relation) -> Relation:
    """The relation; a sorted one so that it stays sorted below a function of batches.

    Sail's optimizer removes a sort below such a function, but not one that a limit needs.
    """
    if not _is_sorted(relation):
        return relation
    copy = Relation()
    copy.CopyFrom(relation)
    return Relation(limit=proto.Limit(input=copy, limit=ROWS_MAX))


def _is_sorted(relation: Relation) -> bool:
    while kind(relation) in ORDERED:
        (relation,) = children(relation)[:1]
    return kind(relation) == "sort"

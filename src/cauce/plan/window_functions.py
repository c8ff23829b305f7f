"""Window functions (`row_number() OVER (PARTITION BY ..)`) of a relation, and how they part its rows."""

from collections.abc import Iterator

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.plan.expression_strings import read_expression
from cauce.plan.walk import expressions, kind, walk_expression

__all__ = ["has_window_functions", "only_ranks", "partition_of"]

RANKS = ("row_number", "rank", "dense_rank")
"""Functions that never say less of a row because others join its partition, nor change by those behind it."""


def has_window_functions(relation: Relation) -> bool:
    """Whether the relation itself calls any."""
    return any(True for _ in _windows(relation))


def partition_of(relation: Relation) -> list[Expression] | None:
    """What all its window functions are partitioned by; None if they differ, or if it is no projection."""
    partitions = {_fingerprint(window): list(window.partition_spec) for window in _windows(relation)}
    if kind(relation) not in ("project", "with_columns") or len(partitions) != 1:
        return None
    return next(iter(partitions.values()))


def only_ranks(relation: Relation) -> list[str]:
    """The columns that hold ranks, if all its window functions are ranks in one and the same order."""
    windows = list(_windows(relation))
    is_rank = [w.window_function.unresolved_function.function_name.lower() in RANKS for w in windows]
    if kind(relation) not in ("project", "with_columns") or not all(is_rank):
        return []
    if len({_fingerprint(window, with_order=True) for window in windows}) != 1:
        return []
    aliases = [e.alias for e in relation.project.expressions if e.HasField("alias")]
    aliases += relation.with_columns.aliases
    return [alias.name[0] for alias in aliases if read_expression(alias.expr).HasField("window")]


def _windows(relation: Relation) -> Iterator[Expression.Window]:
    for expression in expressions(relation):
        for part in walk_expression(read_expression(expression)):
            if part.HasField("window"):
                yield part.window


def _fingerprint(window: Expression.Window, *, with_order: bool = False) -> bytes:
    """Equal for equal partitions (in equal order), wherever the client wrote them down."""
    order = window.order_spec if with_order else ()
    bare = Expression.Window(partition_spec=window.partition_spec, order_spec=order)
    for key in (*bare.partition_spec, *(part.child for part in bare.order_spec)):
        for part in walk_expression(key):
            part.ClearField("common")
    return bare.SerializeToString(deterministic=True)

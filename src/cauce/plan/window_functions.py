"""Window functions (`row_number() OVER (PARTITION BY ..)`) of a relation, and how they part its rows."""

from collections.abc import Iterator

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.plan.expression_strings import read_expression
from cauce.plan.walk import expressions, kind, walk_expression

__all__ = ["has_window_functions", "partition_of"]


def has_window_functions(relation: Relation) -> bool:
    """Whether the relation itself calls any."""
    return any(True for _ in _windows(relation))


def partition_of(relation: Relation) -> list[Expression] | None:
    """What all its window functions are partitioned by; None if they differ, or if it is no projection."""
    partitions = {_fingerprint(window): list(window.partition_spec) for window in _windows(relation)}
    if kind(relation) not in ("project", "with_columns") or len(partitions) != 1:
        return None
    return next(iter(partitions.values()))


def _windows(relation: Relation) -> Iterator[Expression.Window]:
    for expression in expressions(relation):
        for part in walk_expression(read_expression(expression)):
            if part.HasField("window"):
                yield part.window


def _fingerprint(window: Expression.Window) -> bytes:
    """Equal for equal partitions, wherever the client wrote them down."""
    bare = Expression.Window(partition_spec=window.partition_spec)
    for key in bare.partition_spec:
        for part in walk_expression(key):
            part.ClearField("common")
    return bare.SerializeToString(deterministic=True)

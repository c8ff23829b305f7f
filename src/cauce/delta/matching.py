"""Rows of an Arrow table for which a condition holds, and what expressions make of them, by the engine."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.connect.proto import Expression, Filter, Join, Project, Relation, SubqueryAlias

from cauce.engine import EngineSession, input_leaf
from cauce.plan.build import alias, attribute, call

__all__ = [
    "ROW",
    "SOURCE_ROW",
    "Frame",
    "check_condition",
    "computed",
    "computed_beside",
    "numbered",
    "rows_where",
]

ROW = "__row"
"""Numbers rows, because the engine keeps no order."""


SOURCE_ROW = "__source_row"
"""Numbers the rows that are joined to them."""


class Frame:
    """An input as the user's expressions see it: under its alias, and under its plan id."""

    def __init__(self, name: str, shape: Relation) -> None:
        """`shape` is the relation the client sent, whose alias and plan ids count."""
        self.name = name
        self._shape = shape

    def relation(self) -> Relation:
        """A leaf for the rows, dressed as the client's relation is."""
        return _dressed(self._shape, self.name)


def _dressed(shape: Relation, name: str) -> Relation:
    plan_id = shape.common.plan_id if shape.common.HasField("plan_id") else None
    if shape.WhichOneof("rel_type") != "subquery_alias":
        return input_leaf(name, plan_id)
    inner = _dressed(shape.subquery_alias.input, name)
    dressed = Relation(subquery_alias=SubqueryAlias(input=inner, alias=shape.subquery_alias.alias))
    if plan_id is not None:
        dressed.common.plan_id = plan_id
    return dressed


def numbered(table: pa.Table, name: str = ROW) -> pa.Table:
    """The rows with their position as one more column."""
    return table.append_column(name, pa.array(np.arange(table.num_rows, dtype=np.int64)))


def rows_where(
    table: pa.Table, frame: Frame, condition: Expression | None, engine: EngineSession
) -> pa.Array:
    """The positions of the rows for which the condition is true, ascending."""
    if condition is None:
        return pa.array(np.arange(table.num_rows, dtype=np.int64))
    if not table.num_rows:
        return pa.array([], pa.int64())
    matching = Relation(filter=Filter(input=frame.relation(), condition=condition))
    relation = Relation(project=Project(input=matching, expressions=[attribute(ROW)]))
    found = engine.run(relation, {frame.name: numbered(table)})
    return pa.array(np.sort(found[ROW].to_numpy()))


def check_condition(
    empty: pa.Table, frame: Frame, condition: Expression | None, engine: EngineSession
) -> None:
    """Raise what is wrong with a condition, even if there is no row to try it on."""
    if condition is not None:
        relation = Relation(filter=Filter(input=frame.relation(), condition=condition))
        engine.schema(relation, {frame.name: numbered(empty)})


def computed(
    table: pa.Table, frame: Frame, columns: Sequence[tuple[str, Expression]], engine: EngineSession
) -> pa.Table:
    """The columns for each row, in the order of the rows."""
    expressions = [alias(expression, name) for name, expression in columns]
    relation = Relation(project=Project(input=frame.relation(), expressions=[*expressions, attribute(ROW)]))
    found = engine.run(relation, {frame.name: numbered(table)})
    return found.take(pc.sort_indices(found[ROW])).drop_columns([ROW])


def computed_beside(
    sides: Sequence[tuple[pa.Table, Frame]], columns: Sequence[tuple[str, Expression]], engine: EngineSession
) -> pa.Table:
    """The columns for each pair of rows at the same position of two tables, in that order."""
    (left, left_frame), (right, right_frame) = sides
    join = Join(
        left=left_frame.relation(),
        right=right_frame.relation(),
        join_condition=call("=", attribute(ROW), attribute(SOURCE_ROW)),
        join_type=Join.JOIN_TYPE_INNER,
    )
    expressions = [alias(expression, name) for name, expression in columns]
    relation = Relation(
        project=Project(input=Relation(join=join), expressions=[*expressions, attribute(ROW)])
    )
    inputs = {left_frame.name: numbered(left), right_frame.name: numbered(right, SOURCE_ROW)}
    found = engine.run(relation, inputs)
    return found.take(pc.sort_indices(found[ROW])).drop_columns([ROW])

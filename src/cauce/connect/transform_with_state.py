"""transformWithState in a batch plan: Sail gets its rows, or while a plan is only analysed its columns."""

from pyspark.sql.connect.proto import Relation

from cauce.connect.preparation import Preparation, replace
from cauce.plan.transform_with_state import is_transform_with_state
from cauce.streaming.planner import empty_output, run_once

__all__ = ["group_map"]


def group_map(node: Relation, preparation: Preparation) -> None:
    """`groupBy(...).transformWithState(...)`; what else a GroupMap can be is Sail's."""
    if not is_transform_with_state(node):
        return
    engine = preparation.session.engine
    rows = run_once(node, engine) if preparation.running else empty_output(node, engine)
    replace(node, engine.leaf(rows, preparation.lease))

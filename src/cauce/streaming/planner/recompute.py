"""Planning aggregations of aggregations in update mode, and window functions: cauce.sql.streaming.relaxed.

Both ask a question about all rows of a partition. The relation itself answers it, over a leaf that stands
for the rows of the partitions that a batch touches.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql.connect.proto import Expression, Relation
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.engine import input_leaf
from cauce.engine.substitute import Template
from cauce.plan.build import alias, attribute, long, project, star
from cauce.plan.top_ranks import top_ranks_of
from cauce.plan.walk import kind, walk
from cauce.plan.window_functions import has_window_functions, partition_of
from cauce.streaming.operators.recompute import PARTITION, ROW, StreamingRecompute, TopRanks
from cauce.streaming.planner.nodes import FragmentNode, Node
from cauce.streaming.planner.recompute_node import LEAF, RecomputeNode, let_changes_through

if TYPE_CHECKING:
    from cauce.streaming.planner.cut import Cutter

__all__ = ["plan_reaggregate", "plan_top_ranks", "plan_window_functions", "reads_replaced_rows"]

KEY = "__cauce_key"


def reads_replaced_rows(relation: Relation) -> bool:
    """Whether something below gives rows that later ones replace, in update mode."""
    return any(kind(node) == "aggregate" or has_window_functions(node) for node in walk(relation))


def plan_reaggregate(cutter: "Cutter", relation: Relation) -> Node:
    """An aggregation whose input rows may be replaced."""
    keys = list(relation.aggregate.grouping_expressions)
    child = _keyed(cutter, relation.aggregate.input, keys)
    numbered = _numbered(cutter, child, len(keys))
    over = cutter.over(relation, input_leaf(LEAF))
    over.aggregate.grouping_expressions.append(attribute(PARTITION))
    node = _planned(cutter, child, cutter.fragment(over, {LEAF: numbered}), len(keys), "aggregate")
    over.aggregate.ClearField("grouping_expressions")
    node.of_nothing, node.nothing = Template(over), numbered.empty
    return node


def plan_top_ranks(cutter: "Cutter", relation: Relation) -> Node:
    """Window functions of which a filter above wants the first ranks only."""
    return plan_window_functions(cutter, relation.hint.input, top_ranks_of(relation))


def plan_window_functions(
    cutter: "Cutter", relation: Relation, top_ranks: tuple[str, int] | None = None
) -> Node:
    """A projection with window functions that share one partitioning."""
    if cutter.output_mode != "append" and reads_replaced_rows(getattr(relation, kind(relation)).input):
        top_ranks = None  # A row may be taken back, and one that was dropped would move up.
    keys = partition_of(relation) or []
    child = _keyed(cutter, getattr(relation, kind(relation)).input, keys)
    over = cutter.over(relation, input_leaf(LEAF))
    if kind(over) == "project" and not any(e.HasField("unresolved_star") for e in over.project.expressions):
        over.project.expressions.extend([attribute(PARTITION), attribute(ROW)])
    answer = cutter.fragment(over, {LEAF: _numbered(cutter, child, len(keys))})
    node = _planned(cutter, child, answer, len(keys), "window functions")
    if top_ranks is not None and _is_unique(top_ranks[0], node.schema.names):
        node.operator.top_ranks = TopRanks(*top_ranks)
        node.kind += f", ranks {top_ranks[0]} <= {top_ranks[1]}"
    return node


def _is_unique(name: str, names: Sequence[str]) -> bool:
    return [known.lower() for known in names].count(name.lower()) == 1


def _keyed(cutter: "Cutter", relation: Relation, keys: Sequence[Expression]) -> FragmentNode:
    """The rows with the keys of their partition behind them."""
    bare = (key.alias.expr if key.HasField("alias") else key for key in keys)
    made = [alias(key, f"{KEY}{i}") for i, key in enumerate(bare)]
    node = cutter.cut(project(relation, [star(), *made]))
    assert isinstance(node, FragmentNode)
    return node


def _numbered(cutter: "Cutter", child: FragmentNode, keys: int) -> FragmentNode:
    """What the answer is computed from: the rows without the keys, with the number of their partition."""
    names = child.schema.names[: len(child.schema) - keys]
    columns = [*map(attribute, names), alias(long(0), PARTITION), alias(long(0), ROW)]
    return cutter.fragment(project(input_leaf(LEAF), columns), {LEAF: child})


def _planned(
    cutter: "Cutter", child: FragmentNode, answer: FragmentNode, keys: int, kind_of: str
) -> RecomputeNode:
    if cutter.output_mode == "update":
        let_changes_through(child)
    zone = cutter.engine.time_zone
    schema = StructType([column for column in answer.schema if column.name not in (PARTITION, ROW)])
    names = [f"{KEY}{i}" for i in range(keys)]
    operator = StreamingRecompute(
        cutter.empty(child).schema,
        names,
        next((name for name in names if name in child.event_times), None),
        to_arrow_schema(schema, timezone=zone),
    )
    node = RecomputeNode(len(cutter.stateful), child, operator, schema, answer.event_times, kind_of, answer)
    cutter.stateful.append(node)
    return node

"""Cutting a user's relation into sources, stateless fragments and stateful operators.

A fragment is as large as it can be: it ends below at sources and at relations that must look at
rows or remember them (the boundaries), each of which becomes an input leaf of the fragment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql.connect.proto import Expression, Relation
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import NullType, StructType

from cauce.engine import EngineSession, input_leaf
from cauce.engine.substitute import Template
from cauce.plan.event_time import event_times
from cauce.plan.printing import tree_text
from cauce.plan.time import BatchTime
from cauce.plan.walk import children, kind, plan_id, replace_children, walk, walk_expressions, with_plan_ids
from cauce.plan.window_functions import has_window_functions
from cauce.streaming.operators import StatefulOperator
from cauce.streaming.planner.batch_twin import BatchTwin
from cauce.streaming.planner.nodes import (
    FragmentNode,
    Node,
    RemembersNode,
    SourceNode,
    StatefulNode,
    WatermarkNode,
)
from cauce.streaming.planner.plain_fragment import PlainFragment, plain_fragment
from cauce.streaming.planner.source_leaf import SourceLeaf, is_source

__all__ = ["Boundary", "Cutter", "is_streaming"]


def is_streaming(relation: Relation) -> bool:
    """Whether a stream is read anywhere below; views and SQL are expanded before cutting."""
    return any(is_source(node) for node in walk(relation))


@dataclass(frozen=True)
class Boundary:
    """A kind of relation that becomes a node of its own, where it reads what `applies` asks for."""

    plan: "Callable[[Cutter, Relation], Node]"
    applies: Callable[[Relation], bool] = is_streaming


@dataclass
class Cutter:
    """One pass over one query; collects its sources, watermarks and stateful operators in plan order."""

    engine: EngineSession
    twin: BatchTwin
    resolve_source: Callable[[Relation], SourceLeaf]
    boundaries: Mapping[str, Boundary]
    """The relations that become nodes of their own, by their field name."""
    ansi: bool = True
    """Whether an overflow is an error (spark.sql.ansi.enabled)."""
    output_mode: str = "append"
    relaxed: bool = False
    """Whether more is allowed than in Spark (cauce.sql.streaming.relaxed)."""
    sources: list[SourceLeaf] = field(default_factory=list)
    watermarks: list[WatermarkNode] = field(default_factory=list)
    stateful: list[RemembersNode] = field(default_factory=list)

    def cut(self, relation: Relation) -> Node:
        """The node that computes a streaming relation's rows."""
        if is_source(relation):
            return self._source(relation)
        if self.is_boundary(relation):
            return self.boundaries[kind(relation)].plan(self, relation)
        rest = Relation()
        rest.CopyFrom(relation)
        inputs: dict[str, Node] = {}
        moved: dict[int, Relation] = {}
        self._detach(rest, inputs, moved)
        for node in walk(rest):
            for expression in walk_expressions(node):
                _retarget(expression, moved)
        return self.fragment(rest, inputs)

    def fragment(self, relation: Relation, inputs: Mapping[str, Node]) -> FragmentNode:
        """A fragment over leaves called as in `inputs`, with its schema as the engine resolves it."""
        empty = {name: self.empty(node) for name, node in inputs.items()}
        template = Template(relation)
        time = BatchTime.bind(template.relation, self.engine.time_zone)
        carried = event_times(
            relation,
            {name: node.event_times for name, node in inputs.items()},
            lambda part: self.engine.schema(part, empty).names,
        )
        schema = self._schema(template, empty)
        counts = self._counts_nothing(relation)
        nothing = self.engine.run(template, empty) if counts else self.empty_table(schema)
        node = FragmentNode(template, dict(inputs), schema, nothing, carried, tree_text(relation), time)
        node.plain = None if time is not None else self._plain(relation, node)
        return node

    def _plain(self, relation: Relation, node: FragmentNode) -> PlainFragment | None:
        """How to compute the fragment without the engine; tells a watermark below what it need not read."""
        if len(node.inputs) != 1:
            return None
        [(name, child)] = node.inputs.items()
        plain = plain_fragment(relation, name, self.empty(child).schema, node.empty.schema)
        if plain is not None and isinstance(child, WatermarkNode):
            child.needed = tuple(n for n in child.schema.names if n in plain.columns or n == child.column)
        return plain

    def _counts_nothing(self, relation: Relation) -> bool:
        """Whether it may give a row for no rows, as an aggregation without keys does."""
        return self.relaxed and any(kind(node) == "aggregate" for node in walk(relation))

    def _schema(self, template: Template, empty: Mapping[str, pa.Table]) -> StructType:
        """The fragment's columns. The engine's analysis gives no type to a column that one side of a union
        lacks; running the union on nothing does."""
        schema = self.engine.schema(template, empty)
        untyped = any(isinstance(field.dataType, NullType) for field in schema)
        if not untyped or not any(kind(node) == "set_op" for node in walk(template.relation)):
            return schema
        return from_arrow_schema(self.engine.run(template, empty).schema)

    def stateful_node(self, child: Node, operator: StatefulOperator, schema: StructType) -> StatefulNode:
        """A stateful node with the next operator id."""
        node = StatefulNode(len(self.stateful), child, operator, schema)
        self.stateful.append(node)
        return node

    def empty(self, node: Node) -> pa.Table:
        """An empty table of a node's schema."""
        return self.empty_table(node.schema)

    def empty_table(self, schema: StructType) -> pa.Table:
        """An empty table of these columns, in the session's time zone."""
        return to_arrow_schema(schema, timezone=self.engine.time_zone).empty_table()

    def _source(self, relation: Relation) -> SourceNode:
        leaf = self.resolve_source(relation)
        self.sources.append(leaf)
        index = len(self.sources) - 1
        return SourceNode(index, leaf.schema, self.empty_table(leaf.schema), leaf.options.format)

    def is_boundary(self, relation: Relation) -> bool:
        """Whether the relation becomes a node of its own."""
        if self._is_over_complete(relation):
            return False
        boundary = self.boundaries.get(kind(relation))
        return boundary is not None and boundary.applies(relation)

    def _is_over_complete(self, relation: Relation) -> bool:
        """Whether its input is a whole answer each time, so that the engine can do the rest."""
        if not self.relaxed or self.output_mode != "complete":
            return False
        if kind(relation) != "aggregate" and not has_window_functions(relation):
            return False
        below = (node for child in children(relation) for node in walk(child))
        return any(kind(node) == "aggregate" and is_streaming(node) for node in below)

    def over(self, relation: Relation, leaf: Relation) -> Relation:
        """A copy of the relation over a leaf; table names between the two stay."""
        (child,) = children(relation)
        moved = dict.fromkeys(with_plan_ids(child), leaf)
        copy = Relation()
        copy.CopyFrom(replace_children(relation, [_under_aliases(child, leaf)]))
        for expression in walk_expressions(copy):
            _retarget(expression, moved)
        return copy

    def _detach(self, relation: Relation, inputs: dict[str, Node], moved: dict[int, Relation]) -> None:
        """Replace, in place, every streaming boundary below `relation` by an input leaf.

        `moved` tells under which leaf the columns of a frame (`df.x`) are found from now on.
        """
        for child in children(relation):
            if not is_streaming(child):
                continue
            if not is_source(child) and not self.is_boundary(child):
                self._detach(child, inputs, moved)
                continue
            name = f"input{len(inputs)}"
            inputs[name] = self.cut(child)
            leaf = input_leaf(name, plan_id(child))
            moved.update(dict.fromkeys(with_plan_ids(child), leaf))
            child.CopyFrom(leaf)


def _under_aliases(relation: Relation, leaf: Relation) -> Relation:
    if kind(relation) != "subquery_alias":
        return leaf
    return replace_children(relation, [_under_aliases(relation.subquery_alias.input, leaf)])


def _retarget(expression: Expression, moved: Mapping[int, Relation]) -> None:
    for name in ("unresolved_attribute", "unresolved_star", "unresolved_regex"):
        if not expression.HasField(name):
            continue
        reference = getattr(expression, name)
        leaf = moved.get(reference.plan_id) if reference.HasField("plan_id") else None
        if leaf is None:
            continue
        if plan_id(leaf) is None:
            reference.ClearField("plan_id")
        else:
            reference.plan_id = plan_id(leaf)

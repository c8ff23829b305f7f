"""The node of partitions that are computed anew, and the rows that nodes below it take back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.engine.substitute import Template
from cauce.plan.event_time import EventTimes
from cauce.streaming.operators import StreamingAggregate
from cauce.streaming.operators.changes import Changes
from cauce.streaming.operators.keys import EVENT_TIME
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.operators.recompute import StreamingRecompute
from cauce.streaming.planner.nodes import (
    Batch,
    FragmentNode,
    Node,
    SelectNode,
    StatefulNode,
    StoreSchema,
    WatermarkNode,
    input_watermark_ms,
    table,
)
from cauce.streaming.planner.observe_node import ObserveNode

__all__ = ["LEAF", "RecomputeNode", "let_changes_through", "mark_last", "withdrawn"]

LEAF = "input0"
"""The leaf over which answers are computed."""

ROWS, ANSWERS = "rows", "answers"
"""The names of the two stores."""


@dataclass
class RecomputeNode:
    """Rows of partitions, and what a batch relation says of each."""

    index: int
    child: Node
    operator: StreamingRecompute
    schema: StructType
    event_times: EventTimes
    kind: str
    """What it is in the query, for explain()."""
    answer: FragmentNode
    """Computes the answers of the partitions that stand for its input."""
    of_nothing: Template | None = None
    """What an aggregation gives over no rows, without its keys: said of partitions that lost all."""
    nothing: pa.Table = field(default_factory=lambda: pa.table({}))
    """No rows, as `of_nothing` takes them."""
    is_last: bool = False
    """Whether no stateful operator lies above it."""

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    @property
    def store_schemas(self) -> Mapping[str, StoreSchema]:
        schemas = {ROWS: self.operator.rows_schema, ANSWERS: self.operator.answers_schema}
        keys = self.operator.key_schema
        return {name: StoreSchema(keys, rows, EVENT_TIME, multi_row=True) for name, rows in schemas.items()}

    @property
    def operator_name(self) -> str:
        return self.operator.operator_name

    @property
    def store_layouts(self) -> Mapping[str, StoreLayout]:
        return {ROWS: self.operator.rows_layout, ANSWERS: self.operator.answers_layout}

    def wants_batch(
        self, new_watermark_ms: int, last_watermark_ms: int, output_mode: str, *, now_ms: int
    ) -> bool:
        """Whether a batch without data would give or evict something under the new watermark."""
        if self.operator.keys.event_time is None:
            return False
        new_us, last_us = self._input_us(new_watermark_ms), self._input_us(last_watermark_ms)
        return new_us is not None and last_us is not None and new_us > last_us

    def rows(self, batch: Batch) -> pa.Table:
        def answer(rows: pa.Table) -> pa.Table:
            return self.answer.rows_of({LEAF: rows}, batch)

        late_us, eviction_us = self._input_us(batch.late_watermark_ms), self._input_us(batch.watermark_ms)
        stores = batch.stores[self.index]
        given = table(self.child, batch)
        if batch.output_mode == "append":
            output, metrics = self.operator.append(
                given, stores[ROWS], answer, late_watermark_us=late_us, eviction_watermark_us=eviction_us
            )
            batch.operator_metrics[self.index] = metrics
            return output
        changes, vanished, metrics = self.operator.update(
            Changes(given, withdrawn(self.child, batch)),
            stores[ROWS],
            stores[ANSWERS],
            answer,
            late_watermark_us=late_us,
            eviction_watermark_us=eviction_us,
        )
        batch.operator_metrics[self.index] = metrics
        batch.withdrawn[self.index] = changes.withdrawn
        if not self.is_last or self.of_nothing is None:
            return changes.new
        if not self.operator.keys.names and not stores[ROWS].num_rows:
            vanished = _one_row(changes.new.schema)  # Without keys there is one group, whatever it holds.
        return pa.concat_tables([changes.new, self._told_of_nothing(self.of_nothing, vanished, batch)])

    def _told_of_nothing(self, of_nothing: Template, vanished: pa.Table, batch: Batch) -> pa.Table:
        if not vanished.num_rows:
            return self.operator.output_schema.empty_table()
        nothing = batch.engine.run(of_nothing, {LEAF: self.nothing}).combine_chunks()
        results = nothing.take(pa.array([0] * vanished.num_rows)).columns
        keys = vanished.columns[: len(self.operator.keys.names)]
        return pa.table([*keys, *results], names=vanished.schema.names).cast(self.operator.output_schema)

    def describe(self) -> str:
        return f"{self.operator.operator_name} {self.kind} [operator {self.index}]"

    def _input_us(self, global_ms: int) -> int | None:
        watermark_ms = input_watermark_ms(self.child, global_ms)
        return None if watermark_ms is None else watermark_ms * 1000


def _one_row(schema: pa.Schema) -> pa.Table:
    return pa.table([pa.nulls(1, field.type) for field in schema], names=schema.names)


def withdrawn(node: Node, batch: Batch) -> pa.Table:
    """The rows that a node gave in earlier batches and that are true no more; asked after its `rows`."""
    match node:
        case StatefulNode() | RecomputeNode() if node.index in batch.withdrawn:
            return batch.withdrawn[node.index]
        case FragmentNode():
            inputs = {name: withdrawn(child, batch) for name, child in node.inputs.items()}
            return node.rows_of(inputs, batch)
        case SelectNode():
            return node.rows_of(withdrawn(node.child, batch))
        case WatermarkNode() | ObserveNode():
            return withdrawn(node.child, batch)
        case _:
            return to_arrow_schema(node.schema, timezone=batch.engine.time_zone).empty_table()


def let_changes_through(node: Node) -> None:
    """Tell the aggregations right below that somebody asks for what their rows replace."""
    if isinstance(node, StatefulNode):
        node.gives_changes = isinstance(node.operator, StreamingAggregate)
    elif isinstance(node, FragmentNode | SelectNode | WatermarkNode | ObserveNode):
        for child in node.children:
            let_changes_through(child)


def mark_last(root: Node) -> None:
    """Tell the nodes whose rows nothing with a state reads."""
    if isinstance(root, RecomputeNode):
        root.is_last = True
    elif isinstance(root, FragmentNode | SelectNode | ObserveNode):
        for child in root.children:
            mark_last(child)

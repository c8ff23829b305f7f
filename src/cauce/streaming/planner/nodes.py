"""The nodes of a streaming plan, and how each turns one batch's data into an Arrow table.

A plan is a tree: sources at the leaves; between them fragments (stateless relations the engine
runs), watermark and observe nodes (which look at rows passing by) and stateful operators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.engine import StreamEngine
from cauce.engine.scans import SCAN_BYTES_MIN, scan_bytes
from cauce.engine.substitute import Template
from cauce.plan.event_time import EventTimes
from cauce.plan.time import BatchTime
from cauce.state.store import StateStore
from cauce.streaming.operators.aggregate import StreamingAggregate
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.operators.operator import StatefulOperator
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.store_schema import StoreSchema
from cauce.streaming.planner.plain_fragment import PlainFragment
from cauce.streaming.sources.scan import count_scan_rows, read_scan
from cauce.streaming.watermark import WatermarkTracker

__all__ = [
    "Batch",
    "FragmentNode",
    "HoldsBackWatermark",
    "Node",
    "PutsAside",
    "RemembersNode",
    "SelectNode",
    "SourceNode",
    "StatefulNode",
    "StoreSchema",
    "WatermarkNode",
]

Rows = pa.Table | Relation
"""A table, or a scan relation that the engine reads itself as part of the fragment above it."""


class PutsAside(Protocol):
    """Runs a fragment so that rows which make it fail go to the dead letters."""

    def rows(self, node: FragmentNode, inputs: Mapping[str, Rows], batch: Batch) -> pa.Table: ...


@dataclass
class Batch:
    """One micro-batch being computed: its input, its time, its watermarks, and what it measured."""

    engine: StreamEngine
    timestamp_ms: int
    late_watermark_ms: int
    """The previous batch's watermark, which judges late rows."""
    watermark_ms: int
    """This batch's watermark, which evicts state."""
    output_mode: str
    source_rows: Mapping[int, Rows]
    """Rows of each source that has new data."""
    tracker: WatermarkTracker
    stores: Mapping[int, Mapping[str, StateStore]]
    """The stores of each stateful operator, by operator id and store name."""
    batch_id: int = 0
    input_rows: dict[int, int] = field(default_factory=dict)
    operator_metrics: dict[int, OperatorMetrics] = field(default_factory=dict)
    observed: dict[str, dict[str, Any]] = field(default_factory=dict)
    withdrawn: dict[int, pa.Table] = field(default_factory=dict)
    """Rows given earlier that an operator says are true no more, by operator id."""
    poison: PutsAside | None = None
    """Set when failing rows go aside instead of failing the query."""


class Node(Protocol):
    """A node computes its rows of a batch from its children's."""

    schema: StructType

    @property
    def event_times(self) -> EventTimes:
        """The columns that carry a watermark, with its delay."""
        ...

    @property
    def children(self) -> tuple[Node, ...]: ...

    def rows(self, batch: Batch) -> Rows:
        """The rows, possibly still a scan for the engine to run."""
        ...

    def describe(self) -> str:
        """One line for explain()."""
        ...


def table(node: Node, batch: Batch, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a node as an Arrow table, read now if they are a scan; of these columns at least."""
    rows = node.rows(batch)
    if isinstance(rows, pa.Table):
        return rows
    assert isinstance(node, SourceNode), "only sources give scans"
    schema = node.empty.schema
    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    found = read_scan(rows, wanted)
    return batch.engine.run(_INPUT, {_INPUT_NAME: rows}) if found is None else found


_INPUT_NAME = "input"
_INPUT = Template.leaf(_INPUT_NAME)


@dataclass
class SourceNode:
    """The rows a source has for this batch; none if it has nothing new."""

    index: int
    schema: StructType
    empty: pa.Table
    description: str

    @property
    def event_times(self) -> EventTimes:
        return {}

    @property
    def children(self) -> tuple[Node, ...]:
        return ()

    def rows(self, batch: Batch) -> Rows:
        rows = batch.source_rows.get(self.index, self.empty)
        if isinstance(rows, Relation) and scan_bytes(rows) < SCAN_BYTES_MIN:
            # Reading takes a tenth of the time in which the engine plans a scan.
            small = read_scan(rows, self.empty.schema)
            rows = rows if small is None else small
        count = count_scan_rows(rows) if isinstance(rows, Relation) else rows.num_rows
        if count is None:
            rows = batch.engine.run(_INPUT, {_INPUT_NAME: rows})
            count = rows.num_rows
        batch.input_rows[self.index] = count
        return rows

    def describe(self) -> str:
        return f"StreamingRelation {self.description}"


@dataclass
class FragmentNode:
    """A stateless relation over its inputs, run by the engine."""

    template: Template
    inputs: Mapping[str, Node]
    schema: StructType
    empty: pa.Table
    event_times: EventTimes
    text: str
    time: BatchTime | None
    """Set when the relation mentions the current time, which is the batch's."""
    plain: PlainFragment | None = None
    """Set when Arrow computes the relation here, without the engine."""

    @property
    def children(self) -> tuple[Node, ...]:
        return tuple(self.inputs.values())

    def rows(self, batch: Batch) -> pa.Table:
        inputs = {name: node.rows(batch) for name, node in self.inputs.items()}
        return self.rows_of(inputs, batch) if batch.poison is None else batch.poison.rows(self, inputs, batch)

    def rows_of(self, inputs: Mapping[str, Rows], batch: Batch) -> pa.Table:
        """The rows for these inputs."""
        if all(not isinstance(rows, Relation) and not rows.num_rows for rows in inputs.values()):
            return self.empty  # a stateless relation gives nothing for nothing
        if self.plain is not None:
            [given] = inputs.values()
            rows = self.plain.rows(given) if isinstance(given, pa.Table) else None
            if rows is not None:
                return rows
        if self.time is not None:
            self.time.set(batch.timestamp_ms)
        return batch.engine.run(self.template, inputs)

    def describe(self) -> str:
        return ("Fragment" if self.plain is None else "Fragment, in Arrow") + "\n" + self.text


@dataclass
class SelectNode:
    """Columns of the child, reordered and renamed: too little work to ask the engine."""

    child: Node
    columns: tuple[tuple[str, str], ...]
    """(child column, output name) per output column."""
    schema: StructType

    @property
    def event_times(self) -> EventTimes:
        carried = self.child.event_times
        return {name: carried[source] for source, name in self.columns if source in carried}

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    def rows(self, batch: Batch) -> pa.Table:
        return self.rows_of(table(self.child, batch))

    def rows_of(self, rows: pa.Table) -> pa.Table:
        """The columns of these rows of the child."""
        chosen = [rows.column(source) for source, _ in self.columns]
        return pa.Table.from_arrays(chosen, names=[name for _, name in self.columns])

    def describe(self) -> str:
        return "Select [" + ", ".join(f"{a} AS {b}" for a, b in self.columns) + "]"


@dataclass
class WatermarkNode:
    """Lets rows pass and tells the tracker their event times."""

    index: int
    child: Node
    column: str
    delay_ms: int
    schema: StructType
    needed: tuple[str, ...] | None = None
    """The columns that the nodes above look at, if they are known: no others need be read."""

    @property
    def event_times(self) -> EventTimes:
        return {**self.child.event_times, self.column: self.delay_ms}

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    def rows(self, batch: Batch) -> pa.Table:
        rows = table(self.child, batch, self.needed)
        batch.tracker.observe(self.index, rows.column(self.column))
        return rows

    def describe(self) -> str:
        return f"EventTimeWatermark {self.column}, delay {self.delay_ms} ms"


DEFAULT_STORE = "default"
"""Spark's name for the store of an operator that has one."""


class RemembersNode(Node, Protocol):
    """A node with state. `index` is Spark's operator id."""

    index: int

    @property
    def store_schemas(self) -> Mapping[str, StoreSchema]:
        """Its stores by name."""
        ...

    @property
    def operator_name(self) -> str:
        """Spark's name of the operator."""
        ...

    @property
    def store_layouts(self) -> Mapping[str, StoreLayout]:
        """How each of its stores reads, by name."""
        ...

    def wants_batch(
        self, new_watermark_ms: int, last_watermark_ms: int, output_mode: str, *, now_ms: int
    ) -> bool:
        """Whether a batch without data is worth running at this time, under the new watermark."""
        ...


@runtime_checkable
class HoldsBackWatermark(Protocol):
    """A node that gives rows later than it got them: its output has a watermark of its own."""

    def output_watermark_ms(self, input_ms: int) -> int | None:
        """The watermark of its output, given that of its input; None if its rows have none."""
        ...


@dataclass
class StatefulNode:
    """A stateful operator with one input and one store."""

    index: int
    child: Node
    operator: StatefulOperator
    schema: StructType
    gives_changes: bool = False
    """Whether an operator above asks which rows its new ones replace."""

    @property
    def event_times(self) -> EventTimes:
        """Operators keep the names of the columns they let through."""
        kept = self.schema.names
        return {name: delay for name, delay in self.child.event_times.items() if name in kept}

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    @property
    def store_schemas(self) -> Mapping[str, StoreSchema]:
        operator = self.operator
        schema = StoreSchema(
            operator.key_schema, operator.value_schema, operator.event_time, operator.multi_row
        )
        return {DEFAULT_STORE: schema}

    @property
    def operator_name(self) -> str:
        return self.operator.operator_name

    @property
    def store_layouts(self) -> Mapping[str, StoreLayout]:
        return {DEFAULT_STORE: self.operator.layout}

    def wants_batch(
        self, new_watermark_ms: int, last_watermark_ms: int, output_mode: str, *, now_ms: int
    ) -> bool:
        """Whether a batch without data would give or evict something under the new watermark."""
        new_us, last_us = (
            self.input_watermark_us(new_watermark_ms),
            self.input_watermark_us(last_watermark_ms),
        )
        return self.operator.should_run_another_batch(new_us, last_us, output_mode)

    def rows(self, batch: Batch) -> pa.Table:
        rows = table(self.child, batch)
        state = batch.stores[self.index][DEFAULT_STORE]
        late_us = self.input_watermark_us(batch.late_watermark_ms)
        eviction_us = self.input_watermark_us(batch.watermark_ms)
        if self.gives_changes and isinstance(self.operator, StreamingAggregate):
            changes, metrics = self.operator.update(
                rows, state, late_watermark_us=late_us, eviction_watermark_us=eviction_us
            )
            output = changes.new
            batch.withdrawn[self.index] = changes.withdrawn
        else:
            output, metrics = self.operator.process(
                rows,
                state,
                late_watermark_us=late_us,
                eviction_watermark_us=eviction_us,
                output_mode=batch.output_mode,
            )
        batch.operator_metrics[self.index] = metrics
        return output

    def input_watermark_us(self, global_ms: int) -> int | None:
        watermark_ms = input_watermark_ms(self.child, global_ms)
        return None if watermark_ms is None else watermark_ms * 1000

    def describe(self) -> str:
        return f"{self.operator.operator_name} [operator {self.index}]"


def input_watermark_ms(node: Node, global_ms: int) -> int | None:
    """The watermark that reaches a node's output, by Spark's propagation rules; None without one.

    A watermark node gives the global value; other nodes the least of their children, which for a
    stateful aggregation or deduplication is also the watermark of its output.
    """
    if isinstance(node, WatermarkNode):
        return max(global_ms, 0)
    defined = [w for c in node.children if (w := input_watermark_ms(c, global_ms)) is not None]
    if not defined:
        return None
    least_ms = min(defined)
    if not isinstance(node, HoldsBackWatermark):
        return least_ms
    output_ms = node.output_watermark_ms(least_ms)
    return None if output_ms is None else max(output_ms, 0)


def walk_down(node: Node) -> Iterator[Node]:
    """Every node, parents before children."""
    yield node
    for child in node.children:
        yield from walk_down(child)

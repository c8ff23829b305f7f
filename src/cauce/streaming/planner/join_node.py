"""The node of a stream-stream join: two inputs, a store for each, and a watermark of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.engine import EngineSession
from cauce.engine.substitute import Template
from cauce.plan.event_time import EventTimes
from cauce.plan.time import BatchTime
from cauce.streaming.operators import StreamingJoin
from cauce.streaming.operators.join_input import EVENT_TIME, JoinInput
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.planner.nodes import Batch, Node, StoreSchema, input_watermark_ms, table
from cauce.streaming.planner.state_watermark import StateBound, least_watermark_ms

__all__ = ["PAIR", "PAIRS", "EngineCondition", "JoinNode"]

LEFT, RIGHT = "left", "right"
"""The names of the two stores."""

PAIRS = "pairs"
"""The input leaf of a condition's template."""

PAIR = "__cauce_pair"
"""Numbers the pairs: the engine may give rows in any order."""


@dataclass
class EngineCondition:
    """A condition on pairs that the engine evaluates, all candidates of one direction at once."""

    engine: EngineSession
    columns: Sequence[str]
    template: Template
    """The numbers of the pairs that fulfil it, over the leaf `pairs`."""
    time: BatchTime | None
    """Set when it mentions the current time."""

    def holds(self, pairs: pa.Table) -> np.ndarray:
        numbers = pa.array(np.arange(pairs.num_rows, dtype=np.int64))
        passed = self.engine.run(self.template, {PAIRS: pairs.append_column(PAIR, numbers)})
        result = np.zeros(pairs.num_rows, dtype=bool)
        result[passed.column(PAIR).to_numpy()] = True
        return result


@dataclass
class JoinNode:
    """A join of two streams."""

    index: int
    left: Node
    right: Node
    operator: StreamingJoin
    schema: StructType
    left_bounds: Sequence[StateBound]
    right_bounds: Sequence[StateBound]
    condition: EngineCondition | None

    @property
    def event_times(self) -> EventTimes:
        kept = self.schema.names
        both = {**self.right.event_times, **self.left.event_times}
        return {name: delay for name, delay in both.items() if name in kept}

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    @property
    def store_schemas(self) -> Mapping[str, StoreSchema]:
        return {LEFT: _store_schema(self.operator.left), RIGHT: _store_schema(self.operator.right)}

    @property
    def operator_name(self) -> str:
        return self.operator.operator_name

    @property
    def store_layouts(self) -> Mapping[str, StoreLayout]:
        return {LEFT: self.operator.left.layout, RIGHT: self.operator.right.layout}

    def wants_batch(
        self, new_watermark_ms: int, last_watermark_ms: int, output_mode: str, *, now_ms: int
    ) -> bool:
        """Whether a batch without data would evict something under the new watermark."""
        if not self.left_bounds and not self.right_bounds:
            return False
        new_ms, last_ms = self._input_ms(new_watermark_ms), self._input_ms(last_watermark_ms)
        return new_ms is not None and last_ms is not None and new_ms > last_ms

    def output_watermark_ms(self, input_ms: int) -> int:
        """Rows wait in either state, so what leaves may be as old as the oldest of them."""
        states = (least_watermark_ms(bounds, input_ms) for bounds in (self.left_bounds, self.right_bounds))
        return min([input_ms, *(ms for ms in states if ms is not None)])

    def rows(self, batch: Batch) -> pa.Table:
        if self.condition is not None and self.condition.time is not None:
            self.condition.time.set(batch.timestamp_ms)
        late_ms, eviction_ms = self._input_ms(batch.late_watermark_ms), self._input_ms(batch.watermark_ms)
        stores = batch.stores[self.index]
        output, metrics = self.operator.process(
            table(self.left, batch),
            table(self.right, batch),
            stores[LEFT],
            stores[RIGHT],
            late_watermark_us=None if late_ms is None else late_ms * 1000,
            left_state_watermark_us=_state_watermark_us(self.left_bounds, eviction_ms),
            right_state_watermark_us=_state_watermark_us(self.right_bounds, eviction_ms),
        )
        batch.operator_metrics[self.index] = metrics
        return output

    def describe(self) -> str:
        return f"{self.operator.operator_name} {self.operator.how} [operator {self.index}]"

    def _input_ms(self, global_ms: int) -> int | None:
        reached = [input_watermark_ms(child, global_ms) for child in self.children]
        return min((ms for ms in reached if ms is not None), default=None)


def _store_schema(side: JoinInput) -> StoreSchema:
    return StoreSchema(side.key_schema, side.value_schema, EVENT_TIME, multi_row=True)


def _state_watermark_us(bounds: Sequence[StateBound], input_ms: int | None) -> int | None:
    state_ms = None if input_ms is None else least_watermark_ms(bounds, input_ms)
    return None if state_ms is None else state_ms * 1000

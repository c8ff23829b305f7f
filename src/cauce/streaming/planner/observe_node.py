"""The node of `DataFrame.observe`: named metrics over the rows of every batch."""

from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.engine.substitute import Template
from cauce.plan.event_time import EventTimes
from cauce.streaming.planner.nodes import Batch, Node, table

__all__ = ["OBSERVED", "ObserveNode"]

OBSERVED = "input"
"""The leaf of the metrics' template."""


@dataclass
class ObserveNode:
    """Lets rows pass and computes named metrics over them (`DataFrame.observe`)."""

    name: str
    child: Node
    metrics: Template
    """A global aggregation over the leaf OBSERVED."""
    schema: StructType

    @property
    def event_times(self) -> EventTimes:
        return self.child.event_times

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    def rows(self, batch: Batch) -> pa.Table:
        rows = table(self.child, batch)
        batch.observed[self.name] = batch.engine.run(self.metrics, {OBSERVED: rows}).to_pylist()[0]
        return rows

    def describe(self) -> str:
        return f"CollectMetrics {self.name}"

"""Planning applyInPandasWithState: a node that calls the user's function for every group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql.connect.proto import Expression, Relation
from pyspark.sql.streaming.state import GroupStateTimeout
from pyspark.sql.types import StructType

from cauce.errors import AnalysisException
from cauce.plan.event_time import EventTimes
from cauce.plan.expression_text import output_name
from cauce.state import StateStore
from cauce.streaming.operators import PandasGroupsWithState
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.planner.nodes import DEFAULT_STORE, Batch, Node, StoreSchema, input_watermark_ms, table

if TYPE_CHECKING:
    from cauce.streaming.planner.cut import Cutter

__all__ = ["GroupStateNode", "key_column", "plan_group_state"]


@dataclass
class GroupStateNode:
    """Groups, their state, and their timeouts."""

    index: int
    child: Node
    operator: PandasGroupsWithState
    schema: StructType
    timeout_conf: str
    next_timeout_ms: int | None = None
    """When the first group may time out, as the last batch left it."""

    @property
    def event_times(self) -> EventTimes:
        """The function's columns are new ones."""
        return {}

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    @property
    def store_schemas(self) -> Mapping[str, StoreSchema]:
        operator = self.operator
        return {DEFAULT_STORE: StoreSchema(operator.key_schema, operator.value_schema, operator.event_time)}

    @property
    def operator_name(self) -> str:
        return self.operator.operator_name

    @property
    def store_layouts(self) -> Mapping[str, StoreLayout]:
        return {DEFAULT_STORE: self.operator.layout}

    def wants_batch(
        self, new_watermark_ms: int, last_watermark_ms: int, output_mode: str, *, now_ms: int
    ) -> bool:
        """Whether a group may have timed out.

        With processing-time timeouts Spark runs batches for ever; here one runs when a timeout is due.
        """
        match self.timeout_conf:
            case GroupStateTimeout.ProcessingTimeTimeout:
                return self.next_timeout_ms is not None and self.next_timeout_ms < now_ms
            case GroupStateTimeout.EventTimeTimeout:
                new_ms = input_watermark_ms(self.child, new_watermark_ms)
                last_ms = input_watermark_ms(self.child, last_watermark_ms)
                return new_ms is not None and last_ms is not None and new_ms > last_ms
        return False

    def rows(self, batch: Batch) -> pa.Table:
        store = batch.stores[self.index][DEFAULT_STORE]
        output, metrics = self.operator.process(
            table(self.child, batch),
            store,
            timestamp_ms=batch.timestamp_ms,
            late_watermark_ms=input_watermark_ms(self.child, batch.late_watermark_ms),
            eviction_watermark_ms=input_watermark_ms(self.child, batch.watermark_ms),
        )
        self.next_timeout_ms = _next_timeout_ms(store)
        batch.operator_metrics[self.index] = metrics
        return output

    def describe(self) -> str:
        return f"{self.operator.operator_name} {self.timeout_conf} [operator {self.index}]"


def plan_group_state(cutter: "Cutter", relation: Relation) -> Node:
    """`groupBy(keys).applyInPandasWithState(...)`."""
    body = relation.apply_in_pandas_with_state
    child = cutter.cut(body.input)
    keys = [key_column(key, child.schema.names) for key in body.grouping_expressions]
    given = cutter.empty(child).schema
    function, _ = CloudPickleSerializer().loads(body.func.python_udf.command)
    schema = cutter.engine.parse_ddl(body.output_schema)
    operator = PandasGroupsWithState(
        function,
        given,
        GroupKeys.of(given, keys, None),
        state_schema=cutter.engine.parse_ddl(body.state_schema),
        schema=schema,
        timeout_conf=body.timeout_conf,
        event_time=next(iter(child.event_times), None),
        time_zone=cutter.engine.time_zone,
    )
    node = GroupStateNode(len(cutter.stateful), child, operator, schema, body.timeout_conf)
    cutter.stateful.append(node)
    return node


def key_column(key: Expression, seen: Sequence[str]) -> str:
    """The column that is the key: as in Spark a computed key is none of the input's columns."""
    wanted = output_name(key)
    found = [name for name in seen if name.lower() == wanted.lower()]
    if found and key.HasField("unresolved_attribute"):
        return found[0]
    proposal = ", ".join(f"`{name}`" for name in seen)
    raise AnalysisException("UNRESOLVED_COLUMN.WITH_SUGGESTION", objectName=f"`{wanted}`", proposal=proposal)


def _next_timeout_ms(store: StateStore) -> int | None:
    next_us = store.next_expiry_us
    return None if next_us is None else next_us // 1000

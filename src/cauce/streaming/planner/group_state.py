"""Planning applyInPandasWithState: a node that calls the user's function for every group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql.connect.proto import Expression, Relation
from pyspark.sql.streaming.state import GroupStateTimeout
from pyspark.sql.types import StructType

from cauce.plan.build import alias, attribute, project
from cauce.plan.event_time import EventTimes
from cauce.plan.expression_text import output_name
from cauce.plan.tables import identifier_parts
from cauce.state import StateStore
from cauce.streaming.operators import PandasGroupsWithState
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.planner.nodes import DEFAULT_STORE, Batch, Node, StoreSchema, input_watermark_ms, table

if TYPE_CHECKING:
    from cauce.streaming.planner.cut import Cutter

__all__ = ["GroupStateNode", "plan_group_state"]


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
    seen = cutter.twin.schema(body.input).names
    keys = [_key_column(i, key, seen) for i, key in enumerate(body.grouping_expressions)]
    made = [
        alias(key, name)
        for key, name in zip(body.grouping_expressions, keys, strict=True)
        if name not in seen
    ]
    child = cutter.cut(project(body.input, [*map(attribute, seen), *made]) if made else body.input)
    given = cutter.empty(child).schema
    function, _ = CloudPickleSerializer().loads(body.func.python_udf.command)
    schema = cutter.engine.parse_ddl(body.output_schema)
    operator = PandasGroupsWithState(
        function,
        pa.schema([given.field(name) for name in seen]),
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


def _key_column(position: int, key: Expression, seen: list[str]) -> str:
    """The column that is the key, or the name of one to be made."""
    if key.HasField("unresolved_attribute"):
        parts = identifier_parts(key.unresolved_attribute.unparsed_identifier)
        found = [name for name in seen if name.lower() == output_name(key).lower()]
        if len(parts) == 1 and len(found) == 1:
            return found[0]
    return f"__cauce_key{position}"


def _next_timeout_ms(store: StateStore) -> int | None:
    next_us = store.next_expiry_us
    return None if next_us is None else next_us // 1000

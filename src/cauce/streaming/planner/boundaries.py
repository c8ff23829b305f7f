"""The relations that end a fragment: each becomes a node that looks at rows or remembers them."""

from pyspark.sql.connect.proto import Aggregate, Deduplicate, Relation
from pyspark.sql.types import TimestampNTZType, TimestampType

from cauce.engine import input_leaf
from cauce.engine.substitute import Template
from cauce.errors import AnalysisException
from cauce.plan.intervals import parse_watermark_delay_ms
from cauce.plan.join_filters import is_stream_stream_join
from cauce.plan.tables import identifier_parts
from cauce.plan.top_ranks import top_ranks_of
from cauce.plan.transform_with_state import is_transform_with_state
from cauce.plan.window_functions import has_window_functions
from cauce.streaming.operators import (
    StreamingDeduplicate,
    StreamingDeduplicateWithinWatermark,
    StreamingLimit,
)
from cauce.streaming.planner.aggregation import plan_aggregate
from cauce.streaming.planner.cut import Boundary, Cutter, is_streaming
from cauce.streaming.planner.group_state import plan_group_state
from cauce.streaming.planner.joins import picks_joined_columns, plan_join, plan_picked_columns
from cauce.streaming.planner.nodes import Node, WatermarkNode
from cauce.streaming.planner.observe_node import OBSERVED, ObserveNode
from cauce.streaming.planner.recompute import plan_top_ranks, plan_window_functions
from cauce.streaming.planner.transform_with_state import plan_transform_with_state

__all__ = ["BOUNDARIES"]


def plan_watermark(cutter: Cutter, relation: Relation) -> Node:
    """`withWatermark(column, delay)`: a node that tells the tracker the column's event times."""
    child = cutter.cut(relation.with_watermark.input)
    column = _event_time_column(child, relation.with_watermark.event_time)
    delay_ms = parse_watermark_delay_ms(relation.with_watermark.delay_threshold)
    node = WatermarkNode(len(cutter.watermarks), child, column, delay_ms, child.schema)
    cutter.watermarks.append(node)
    return node


def plan_observe(cutter: Cutter, relation: Relation) -> Node:
    """`observe(name, *metrics)`: a node that computes the metrics over every batch."""
    child = cutter.cut(relation.collect_metrics.input)
    metrics = Aggregate(
        input=input_leaf(OBSERVED, relation.collect_metrics.input.common.plan_id),
        group_type=Aggregate.GROUP_TYPE_GROUPBY,
        aggregate_expressions=relation.collect_metrics.metrics,
    )
    template = Template(Relation(aggregate=metrics))
    return ObserveNode(relation.collect_metrics.name, child, template, child.schema)


def plan_deduplicate(cutter: Cutter, relation: Relation) -> Node:
    """`dropDuplicates` and `dropDuplicatesWithinWatermark`."""
    child = cutter.cut(relation.deduplicate.input)
    keys = _key_columns(child, relation.deduplicate)
    given = cutter.empty(child).schema
    times = child.event_times
    if relation.deduplicate.within_watermark:
        column, delay_ms = next(iter(times.items()))
        operator = StreamingDeduplicateWithinWatermark(given, keys, column, delay_ms, child.schema)
    else:
        operator = StreamingDeduplicate(given, keys, next(iter(times), None), child.schema)
    return cutter.stateful_node(child, operator, child.schema)


def plan_limit(cutter: Cutter, relation: Relation) -> Node:
    """`limit(n)`: the first n rows of the whole query."""
    child = cutter.cut(relation.limit.input)
    operator = StreamingLimit(cutter.empty(child).schema, relation.limit.limit, child.schema)
    return cutter.stateful_node(child, operator, child.schema)


def plan_projection(cutter: Cutter, relation: Relation) -> Node:
    """`select`, where the engine alone cannot answer it."""
    if has_window_functions(relation):
        return plan_window_functions(cutter, relation)
    return plan_picked_columns(cutter, relation)


def _key_columns(child: Node, deduplicate: Deduplicate) -> list[str]:
    if deduplicate.all_columns_as_keys or not deduplicate.column_names:
        return child.schema.names
    return [_column(child, name) for name in deduplicate.column_names]


def _column(child: Node, name: str) -> str:
    """The child's own spelling of a column name."""
    wanted = ".".join(identifier_parts(name)).lower()
    for column in child.schema.names:
        if column.lower() == wanted:
            return column
    proposal = ", ".join(f"`{column}`" for column in child.schema.names)
    raise AnalysisException("UNRESOLVED_COLUMN.WITH_SUGGESTION", objectName=f"`{name}`", proposal=proposal)


def _event_time_column(child: Node, name: str) -> str:
    column = _column(child, name)
    data_type = child.schema[column].dataType
    if not isinstance(data_type, TimestampType | TimestampNTZType):
        raise AnalysisException(
            "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
            eventName=f"`{name}`",
            eventType=f'"{data_type.simpleString().upper()}"',
        )
    return column


BOUNDARIES: dict[str, Boundary] = {
    "with_watermark": Boundary(plan_watermark),
    "collect_metrics": Boundary(plan_observe),
    "aggregate": Boundary(plan_aggregate),
    "deduplicate": Boundary(plan_deduplicate),
    "limit": Boundary(plan_limit),
    "apply_in_pandas_with_state": Boundary(plan_group_state),
    "group_map": Boundary(
        plan_transform_with_state,
        lambda relation: is_transform_with_state(relation) and is_streaming(relation),
    ),
    "join": Boundary(plan_join, is_stream_stream_join),
    "project": Boundary(plan_projection, lambda r: picks_joined_columns(r) or has_window_functions(r)),
    "with_columns": Boundary(plan_window_functions, has_window_functions),
    "hint": Boundary(plan_top_ranks, lambda r: top_ranks_of(r) is not None and is_streaming(r)),
}

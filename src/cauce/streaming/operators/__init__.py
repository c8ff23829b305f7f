"""Stateful operators: one file and one class each, `process(batch, state, ...)`, without I/O or threads.

Imported by the planner and the micro-batch; imports the state store, Arrow and errors. An operator is
built from its description and remembers only through the state store it is given.
"""

from cauce.streaming.operators.aggregate import StreamingAggregate
from cauce.streaming.operators.aggregates import AGGREGATES, AggregateCall
from cauce.streaming.operators.deduplicate import (
    StreamingDeduplicate,
    StreamingDeduplicateWithinWatermark,
)
from cauce.streaming.operators.group_state import PandasGroupsWithState
from cauce.streaming.operators.join import JoinType, StreamingJoin
from cauce.streaming.operators.limit import StreamingLimit
from cauce.streaming.operators.operator import StatefulOperator
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.session_aggregate import StreamingSessionAggregate

__all__ = [
    "AGGREGATES",
    "AggregateCall",
    "JoinType",
    "OperatorMetrics",
    "PandasGroupsWithState",
    "StatefulOperator",
    "StreamingAggregate",
    "StreamingDeduplicate",
    "StreamingDeduplicateWithinWatermark",
    "StreamingJoin",
    "StreamingLimit",
    "StreamingSessionAggregate",
]

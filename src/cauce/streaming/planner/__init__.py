"""From the user's relation to a streaming plan: expand, rewrite, check, cut.

Imported by execution, query and connect; imports operators, sources, plan and engine.
The rules run in the order of RULES; each is a pure function of a relation.
"""

from cauce.streaming.planner.batch_transform import empty_output, run_once
from cauce.streaming.planner.expand import expand, reads_stream
from cauce.streaming.planner.planner import StreamingPlan, plan_stream, stream_schema
from cauce.streaming.planner.source_leaf import is_source
from cauce.streaming.planner.unsupported import check_batch, refuse_batch_write

__all__ = [
    "StreamingPlan",
    "check_batch",
    "empty_output",
    "expand",
    "is_source",
    "plan_stream",
    "reads_stream",
    "refuse_batch_write",
    "run_once",
    "stream_schema",
]

"""From the user's relation to a streaming plan: expand, rewrite, check, cut.

Imported by execution, query and connect; imports operators, sources, plan and engine.
The rules run in the order of RULES; each is a pure function of a relation.
"""

from cauce.streaming.planner.expand import reads_stream
from cauce.streaming.planner.planner import StreamingPlan, plan_stream, stream_schema

__all__ = ["StreamingPlan", "plan_stream", "reads_stream", "stream_schema"]

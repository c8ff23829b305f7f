"""Structured Streaming: queries, their micro-batches, sources, sinks and stateful operators.

Imported by pipelines, web and connect; imports session and what lies below it.
Layers inside: manager > query > micro_batch > planner > operators | sources | sinks >
trigger | watermark | progress | listener. Rows are computed by the engine; what must be
remembered between batches is kept here.
"""

__all__: list[str] = []

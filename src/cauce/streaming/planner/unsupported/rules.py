"""The tables of rules, and the two checks that read them."""

from collections.abc import Callable, Iterator

from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.errors import AnalysisException
from cauce.streaming.planner.unsupported import join_rules, plan_rules, row_rules, state_rules
from cauce.streaming.planner.unsupported.query import (
    WITH_STATE,
    Node,
    Query,
    Refusal,
    Rule,
    raise_refusal,
)

__all__ = ["check_batch", "check_streaming", "refusals", "refuse_batch_write"]

PLAN_RULES: tuple[Rule, ...] = (plan_rules.one_function_with_state, plan_rules.output_mode)
"""Asked of the whole plan, first."""

NODE_RULES: dict[str, tuple[Rule, ...]] = {
    "aggregate": (
        state_rules.pivot_without_values,
        state_rules.distinct_aggregate,
        state_rules.session_window_alone,
        state_rules.pandas_aggregate,
        state_rules.aggregate_event_times,
    ),
    "crosstab": (state_rules.pivot_without_values,),
    "deduplicate": (state_rules.deduplicate_without_watermark, state_rules.input_event_times),
    "join": (join_rules.join,),
    "limit": (row_rules.limit,),
    "offset": (row_rules.offset,),
    "sample": (row_rules.sample,),
    "set_op": (join_rules.set_operation,),
    "sort": (row_rules.sort,),
    "transpose": (row_rules.transpose,),
    "with_watermark": (state_rules.nested_event_time, state_rules.watermark_again),
    WITH_STATE: (
        state_rules.function_with_state,
        state_rules.event_time_timeout,
        state_rules.input_event_times,
    ),
}
"""Asked of every relation of that type, inputs before their readers."""

EVERY_NODE_RULES: tuple[Rule, ...] = (
    row_rules.streaming_subquery,
    row_rules.window_function,
    row_rules.row_identity,
)
"""Asked of every relation, after its own rules."""

AFTER_RULES: tuple[Rule, ...] = (plan_rules.late_rows,)
"""Asked of the whole plan, last."""

NOT_YET_RULES: dict[str, tuple[Rule, ...]] = {"aggregate": (state_rules.several_groupings,)}
"""What Spark streams and cauce does not; asked when Spark has no objection."""


def check_streaming(query: Query) -> None:
    """Raise what Spark raises at start() for a plan it does not stream.

    Names must be expanded, window functions not yet rewritten.
    """
    if not query.root.is_streaming:
        raise AnalysisException("WRITE_STREAM_NOT_ALLOWED")
    if not query.conf.flag("spark.sql.streaming.unsupportedOperationCheck"):
        return
    for refusal in refusals(query):
        raise_refusal(refusal)
    for node in query.root.walk_up():
        for rule in NOT_YET_RULES.get(node.kind, ()):
            raise_refusal(rule(node, query))


def refusals(query: Query) -> Iterator[Refusal]:
    """What every rule says, in Spark's order; None where it has no objection."""
    yield from (rule(query.root, query) for rule in PLAN_RULES)
    for node in query.root.walk_up():
        for rule in (*NODE_RULES.get(node.kind, ()), *EVERY_NODE_RULES):
            yield rule(node, query)
    yield from (rule(query.root, query) for rule in AFTER_RULES)


def check_batch(relation: Relation, *, is_streaming: Callable[[Relation], bool]) -> None:
    """Raise what Spark raises when a streaming plan is to give its rows at once."""
    root = Node.tree(relation, is_streaming)
    for node in root.walk():
        raise_refusal(state_rules.pivot_without_values(node))
        if not node.is_streaming and node.relation.deduplicate.within_watermark:
            raise_refusal(row_rules.WITHIN_WATERMARK_IN_BATCH)
    if root.is_streaming:
        raise_refusal(row_rules.STREAM_IN_BATCH)


def refuse_batch_write(method: str) -> AnalysisException:
    """The error of `df.write` or `df.writeTo` on a stream."""
    return AnalysisException("CALL_ON_STREAMING_DATASET_UNSUPPORTED", methodName=f"`{method}`")

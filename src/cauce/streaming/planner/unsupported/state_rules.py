"""Rules about operators that remember: aggregations, duplicates, watermarks, functions with state."""

from pyspark.sql.connect.proto.relations_pb2 import Aggregate

from cauce.errors import AnalysisException, UnsupportedOperationException
from cauce.plan.expression_text import function_name
from cauce.plan.tables import identifier_parts
from cauce.streaming.planner.unsupported.plan_rules import session_keys
from cauce.streaming.planner.unsupported.query import EventTimes, Node, Query, Refusal

__all__ = [
    "aggregate_event_times",
    "deduplicate_without_watermark",
    "distinct_aggregate",
    "event_time_timeout",
    "function_with_state",
    "input_event_times",
    "nested_event_time",
    "pandas_aggregate",
    "pivot_without_values",
    "session_window_alone",
    "several_groupings",
    "watermark_again",
]

ALLOW_MULTIPLE = "spark.sql.streaming.statefulOperator.allowMultiple"

SEVERAL_GROUPINGS = (
    Aggregate.GROUP_TYPE_ROLLUP,
    Aggregate.GROUP_TYPE_CUBE,
    Aggregate.GROUP_TYPE_GROUPING_SETS,
)

GROUPED_AGGREGATE_EVALUATIONS = range(202, 300)
"""PySpark's evaluation types of functions that fold a group into one value (PythonEvalType)."""


def distinct_aggregate(node: Node, query: Query) -> Refusal:
    distinct = {function_name(e) for e in node.expressions() if e.unresolved_function.is_distinct}
    if not node.is_streaming or not distinct or (query.relaxed and distinct == {"count"}):
        return None
    return (
        "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider using "
        "approx_count_distinct() instead."
    )


def pivot_without_values(node: Node, query: Query | None = None) -> Refusal:
    """The values would have to be looked up in the stream; crosstab is such a pivot."""
    unknown = node.kind == "crosstab" or (node.is_pivot and not node.relation.aggregate.pivot.values)
    return AnalysisException("_LEGACY_ERROR_TEMP_3063") if unknown and node.is_streaming else None


def several_groupings(node: Node, query: Query) -> Refusal:
    """Spark streams these; cauce does not yet, and says so rather than leave rows out."""
    if node.is_pivot:
        return UnsupportedOperationException(None, "PIVOT over a stream is not supported.")
    several = node.is_streaming and node.relation.aggregate.group_type in SEVERAL_GROUPINGS
    if several and query.output_mode != "complete" and query.key_event_times(node):
        text = "ROLLUP, CUBE and GROUPING SETS over an event time under a watermark are not supported"
        return UnsupportedOperationException(None, f"{text} in {query.mode} output mode.")
    return None


def pandas_aggregate(node: Node, query: Query) -> Refusal:
    functions = [e.common_inline_user_defined_function.python_udf.eval_type for e in node.expressions()]
    grouped = any(evaluation in GROUPED_AGGREGATE_EVALUATIONS for evaluation in functions)
    return AnalysisException("_LEGACY_ERROR_TEMP_3067") if node.is_streaming and grouped else None


def session_window_alone(node: Node, query: Query) -> Refusal:
    keys = node.relation.aggregate.grouping_expressions
    alone = len(keys) == 1 and bool(session_keys(node.relation))
    return AnalysisException("_LEGACY_ERROR_TEMP_3068") if node.is_streaming and alone else None


def aggregate_event_times(node: Node, query: Query) -> Refusal:
    return _one_event_time(query.key_event_times(node)) if node.is_streaming else None


def input_event_times(node: Node, query: Query) -> Refusal:
    """A time made by `withColumn` beside the one it was made from is none, over Spark Connect."""
    times = query.lasting_event_times(node.children[0].relation)
    return _one_event_time(times) if node.is_streaming else None


def watermark_again(node: Node, query: Query) -> Refusal:
    """A stream has one watermark. Spark says so as soon as it is above zero."""
    if _has_watermark(node.children[0]):
        return AnalysisException("_LEGACY_ERROR_TEMP_3076", config=ALLOW_MULTIPLE)
    return None


def nested_event_time(node: Node, query: Query) -> Refusal:
    """A field of a struct has no metadata of its own to carry the delay."""
    name = node.relation.with_watermark.event_time
    first, *rest = identifier_parts(name)
    if not node.is_streaming or not rest or first not in query.columns(node.children[0].relation):
        return None
    return AnalysisException("EVENT_TIME_MUST_BE_TOP_LEVEL_COLUMN", eventExpr=name)


def _has_watermark(node: Node) -> bool:
    """Whether a watermark reaches this node's output from below; a stateful operator starts afresh."""
    if node.kind == "with_watermark":
        return node.is_streaming
    return not node.is_stateful and any(_has_watermark(child) for child in node.children)


def deduplicate_without_watermark(node: Node, query: Query) -> Refusal:
    within = node.is_streaming and node.relation.deduplicate.within_watermark
    if within and not query.event_times(node.children[0].relation):
        what = "dropDuplicatesWithinWatermark is not supported"
        return f"{what} on streaming DataFrames/DataSets without watermark"
    return None


def function_with_state(node: Node, query: Query) -> Refusal:
    """The function's own output mode must be the query's, and only appended rows may be aggregated."""
    mode = node.relation.apply_in_pandas_with_state.output_mode.lower()
    if not node.is_streaming:
        return None
    if not query.aggregates():
        if mode == query.output_mode:
            return None
        where = f"{query.mode} output mode on a streaming DataFrame/Dataset"
        return f"applyInPandasWithState in {mode} mode is not supported with {where}"
    if mode == "update":
        return (
            "applyInPandasWithState in update mode is not supported with aggregation on a streaming "
            "DataFrame/Dataset"
        )
    if any(below.is_aggregate for below in node.walk()):
        return (
            "applyInPandasWithState in append mode is not supported after aggregation on a streaming "
            "DataFrame/Dataset"
        )
    return None


def event_time_timeout(node: Node, query: Query) -> Refusal:
    waits = node.relation.apply_in_pandas_with_state.timeout_conf == "EventTimeTimeout"
    if not (node.is_streaming and waits) or query.event_times(node.children[0].relation):
        return None
    return (
        "Watermark must be specified in the query using '[Dataset/DataFrame].withWatermark()' for using "
        "event-time timeout in a applyInPandasWithState. Event-time timeout not supported without watermark."
    )


def _one_event_time(times: EventTimes) -> Refusal:
    if len(times) < 2:
        return None
    columns = ",".join(f"{name}-T{delay_ms}ms" for name, delay_ms in times.items())
    return AnalysisException("_LEGACY_ERROR_TEMP_3077", eventTimeCols=f"({columns})")

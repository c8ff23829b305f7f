"""Rules over the whole plan: output modes, and operators that would throw away each other's rows."""

from collections.abc import Iterator

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.errors import AnalysisException
from cauce.plan.expression_text import function_name
from cauce.plan.walk import walk_expression
from cauce.plan.window_functions import has_window_functions
from cauce.streaming.planner.unsupported.query import WITH_STATE, Node, Query, Refusal

__all__ = ["late_rows", "one_function_with_state", "output_mode", "session_keys"]

CORRECTNESS = "spark.sql.streaming.statefulOperator.checkCorrectness.enabled"

LATE_ROWS = (
    "Detected pattern of possible 'correctness' issue due to global watermark. The query contains stateful "
    "operation which can emit rows older than the current watermark plus allowed late record delay, which "
    'are "late rows" in downstream stateful operations and these rows can be discarded. Please refer the '
    "programming guide doc for more details. If you understand the possible risk of correctness issue and "
    f"still need to run the query, you can disable this check by setting the config `{CORRECTNESS}` to false."
)


def one_function_with_state(root: Node, query: Query) -> Refusal:
    if sum(node.kind == WITH_STATE and node.is_streaming for node in root.walk()) > 1:
        return "Multiple applyInPandasWithStates are not supported on a streaming DataFrames/Datasets"
    return None


def output_mode(root: Node, query: Query) -> Refusal:
    """Spark judges the outermost aggregation only."""
    aggregates = query.aggregates()
    match query.output_mode:
        case "append" if aggregates and not query.key_event_times(aggregates[0]):
            return _mode_refused(query, "streaming aggregations without watermark")
        case "update" if aggregates and session_keys(aggregates[0].relation):
            return _mode_refused(query, "session window streaming aggregations")
        case "complete" if not aggregates:
            return _mode_refused(query, "no streaming aggregations")
    return None


def late_rows(root: Node, query: Query) -> Refusal:
    """An operator that emits rows late must not lie below one that drops them."""
    if not query.conf.flag(CORRECTNESS):
        return None
    for node in root.walk():
        below = (inner for child in node.children for inner in child.walk())
        drops = _drops_late_rows(node, query) and not _recomputes(node, query)
        if drops and any(_emits_late_rows(inner, query) for inner in below):
            return LATE_ROWS
        if node.is_pivot and query.output_mode != "append":
            return LATE_ROWS  # A pivot is an aggregation of an aggregation.
    return None


def session_keys(relation: Relation) -> list[Expression]:
    """The grouping keys that are session windows."""
    keys = relation.aggregate.grouping_expressions
    return [key for key in keys if any(function_name(e) == "session_window" for e in walk_expression(key))]


def _mode_refused(query: Query, operation: str) -> AnalysisException:
    condition = "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION"
    return AnalysisException(condition, outputMode=query.output_mode, operation=operation)


def _drops_late_rows(node: Node, query: Query) -> bool:
    match node.kind:
        case "deduplicate" if node.is_streaming:
            return _deduplicates_by_event_time(node.relation, query)
        case "group_map":
            return node.is_streaming and node.relation.group_map.HasField("transform_with_state_info")
        case _:
            return node.is_aggregate or node.joins_streams or (node.kind == WITH_STATE and node.is_streaming)


def _recomputes(node: Node, query: Query) -> bool:
    """Whether it is an aggregation that, under the relaxed conf, hears of every row that is replaced."""
    if not query.relaxed or node.kind != "aggregate" or node.is_pivot:
        return False
    inner = list(_stateful_inputs(node))
    aggregates = [node, *inner]
    return all(n.is_aggregate for n in inner) and not any(session_keys(n.relation) for n in aggregates)


def _stateful_inputs(node: Node) -> Iterator[Node]:
    """The nearest operators with a state below."""
    for child in node.children:
        if child.is_stateful:
            yield child
        else:
            yield from _stateful_inputs(child)


def _deduplicates_by_event_time(relation: Relation, query: Query) -> bool:
    keys = relation.deduplicate
    times = {name.lower() for name in query.event_times(keys.input)}
    chosen = times if keys.all_columns_as_keys else {name.lower() for name in keys.column_names}
    return keys.within_watermark or bool(times & chosen)


def _emits_late_rows(node: Node, query: Query) -> bool:
    if node.kind == WITH_STATE and node.is_streaming:
        return node.relation.apply_in_pandas_with_state.timeout_conf == "EventTimeTimeout"
    replaces = node.is_aggregate or (query.relaxed and has_window_functions(node.relation))
    return node.is_streaming and replaces and query.output_mode != "append"

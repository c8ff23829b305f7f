"""Rules about the order, number and position of rows, which a stream does not have."""

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.errors import AnalysisException
from cauce.plan.build import project
from cauce.plan.expression_text import function_name, output_name, sql_text
from cauce.plan.walk import children, expressions, kind, walk_expression
from cauce.plan.window_functions import partition_of
from cauce.streaming.planner.unsupported.query import Node, Query, Refusal, parsed

__all__ = [
    "STREAM_IN_BATCH",
    "WITHIN_WATERMARK_IN_BATCH",
    "limit",
    "offset",
    "row_identity",
    "sample",
    "sort",
    "streaming_subquery",
    "transpose",
    "window_function",
]

SORTING = (
    "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset "
    "in Complete output mode"
)
STREAM_IN_BATCH = (
    "Queries with streaming sources must be executed with writeStream.start(), or from a streaming table or "
    "flow definition within a Spark Declarative Pipeline."
)
WITHIN_WATERMARK_IN_BATCH = "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets"

PEER_RANKS = ("rank", "dense_rank", "percent_rank")


def sort(node: Node, query: Query) -> Refusal:
    return None if _is_complete(node, query) else SORTING


def limit(node: Node, query: Query) -> Refusal:
    if node.is_streaming and query.output_mode == "update":
        return "Limits are not supported on streaming DataFrames/Datasets in Update output mode"
    return None


def offset(node: Node, query: Query) -> Refusal:
    """Refused on static inputs of a streaming query as well."""
    return "Offset is not supported on streaming DataFrames/Datasets"


def sample(node: Node, query: Query) -> Refusal:
    if node.is_streaming and node.relation.sample.deterministic_order:
        return SORTING  # randomSplit sorts first.
    return "Sampling is not supported on streaming DataFrames/Datasets" if node.is_streaming else None


def transpose(node: Node, query: Query) -> Refusal:
    return STREAM_IN_BATCH if node.is_streaming else None


def row_identity(node: Node, query: Query) -> Refusal:
    if any(function_name(e) == "monotonically_increasing_id" for e in node.expressions()):
        return (
            "Expression(s): monotonically_increasing_id() is not supported with streaming DataFrames/Datasets"
        )
    return None


def streaming_subquery(node: Node, query: Query) -> Refusal:
    if not any(e.HasField("subquery_expression") for e in node.expressions()):
        return None
    wanted = {e.subquery_expression.plan_id for e in node.expressions() if e.HasField("subquery_expression")}
    streams = {n.relation.common.plan_id for n in query.root.walk() if n.is_streaming}
    return AnalysisException("INVALID_SUBQUERY_EXPRESSION.STREAMING_QUERY") if wanted & streams else None


def window_function(node: Node, query: Query) -> Refusal:
    """Reported with every window function of the operator at once."""
    if not node.is_streaming or (query.relaxed and _is_answered(node, query)):
        return None
    found = [
        (window.window, name)
        for column, name in _named_columns(node.relation)
        for window in walk_expression(column)
        if window.HasField("window")
    ]
    if not found:
        return None
    return AnalysisException(
        "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
        windowFunc=",".join(_function_text(window).upper() for window, _ in found),
        columnName=",".join(f"`{name}`" for _, name in found),
        windowSpec=",".join(_specification_text(window).upper() for window, _ in found),
    )


def _is_answered(node: Node, query: Query) -> bool:
    """Whether its partitions end with the watermark, or may be told again."""
    keys = partition_of(node.relation)
    if keys is None or query.output_mode != "append":
        return keys is not None
    return bool(query.event_times(project(children(node.relation)[0], keys)))


def _named_columns(relation: Relation) -> list[tuple[Expression, str]]:
    if kind(relation) == "with_columns":
        return [(parsed(column.expr), column.name[0]) for column in relation.with_columns.aliases]
    return [(column, output_name(column)) for column in map(parsed, expressions(relation))]


def _function_text(window: Expression.Window) -> str:
    """Ranks are printed with what they are ordered by."""
    name = function_name(window.window_function)
    if name in PEER_RANKS:
        return f"{name}({', '.join(sql_text(order.child) for order in window.order_spec)})"
    return sql_text(window.window_function)


def _specification_text(window: Expression.Window) -> str:
    _, _, specification = sql_text(Expression(window=window)).partition(" OVER ")
    return specification


def _is_complete(node: Node, query: Query) -> bool:
    """Whether all of the answer is there each time, and not only what is new."""
    aggregated = any(below.kind == "aggregate" and below.is_streaming for below in node.walk())
    return not node.is_streaming or (aggregated and query.output_mode == "complete")

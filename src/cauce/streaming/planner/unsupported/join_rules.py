"""Rules about two inputs meeting: joins and set operations."""

from pyspark.sql.connect.proto.relations_pb2 import Join, SetOperation

from cauce.errors import AnalysisException
from cauce.streaming.planner.join_constraints import JoinSide, bounds, equal_pairs
from cauce.streaming.planner.unsupported.query import Node, Query, Refusal

__all__ = ["join", "set_operation"]

JOIN_NAMES = {
    Join.JOIN_TYPE_INNER: "Inner",
    Join.JOIN_TYPE_CROSS: "Cross",
    Join.JOIN_TYPE_FULL_OUTER: "FullOuter",
    Join.JOIN_TYPE_LEFT_OUTER: "LeftOuter",
    Join.JOIN_TYPE_RIGHT_OUTER: "RightOuter",
    Join.JOIN_TYPE_LEFT_SEMI: "LeftSemi",
    Join.JOIN_TYPE_LEFT_ANTI: "LeftAnti",
}
ANTI_JOIN = "LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported"


def join(node: Node, query: Query) -> Refusal:
    left, right = (child.is_streaming for child in node.children)
    how = JOIN_NAMES.get(node.relation.join.join_type, "Inner")
    if left and right:
        return _join_output_mode(how, query) or _stream_stream(how, node, query)
    return _stream_static(how, left) if left or right else None


def _join_output_mode(how: str, query: Query) -> Refusal:
    what = (
        f"{how} join between two streaming DataFrames/Datasets is not supported in {query.mode} output mode"
    )
    if how in ("FullOuter", "LeftOuter", "RightOuter") and query.output_mode != "append":
        return f"{what}, only in Append output mode"
    if query.output_mode == "complete":
        return f"{what}, only in Append and Update output modes"
    return None


def _stream_static(how: str, stream_is_left: bool) -> Refusal:
    match how, stream_is_left:
        case "FullOuter", True:
            sides = "on the left and a static DataFrame/Dataset on the right"
            return f"FullOuter joins with streaming DataFrames/Datasets {sides} is not supported"
        case "FullOuter", False:
            sides = "on the right and a static DataFrame/Dataset on the left"
            return f"FullOuter joins with streaming DataFrames/Datasets {sides} is not supported"
        case "LeftAnti", False:
            return ANTI_JOIN
        case "LeftOuter" | "LeftSemi", False:
            sides = "on the right and a static DataFrame/Dataset on the left"
            return f"{how} join with a streaming DataFrame/Dataset {sides} is not supported"
        case "RightOuter", True:
            sides = "on the left and a static DataFrame/DataSet on the right"
            return f"RightOuter join with a streaming DataFrame/Dataset {sides} not supported"
    return None


def _stream_stream(how: str, node: Node, query: Query) -> Refusal:
    if how == "LeftAnti" and not query.relaxed:
        return ANTI_JOIN
    left, right = (
        JoinSide(child.relation, query.columns(child.relation), query.event_times(child.relation))
        for child in node.children
    )
    condition = node.relation.join.join_condition
    if how not in ("Inner", "Cross") and not _has_watermark(how, node.relation.join, left, right):
        return (
            f"Stream-stream {how} join between two streaming DataFrame/Datasets is not supported "
            "without a watermark in the join keys, or a watermark on the nullable side and an appropriate "
            "range condition"
        )
    if not (query.relaxed or node.relation.join.using_columns or any(equal_pairs(condition, left, right))):
        return AnalysisException("_LEGACY_ERROR_TEMP_1181")
    return None


def _has_watermark(how: str, join: Join, left: JoinSide, right: JoinSide) -> bool:
    """Whether the rows of the side that is null-extended can ever be known to be complete."""
    times = {name.lower() for name in (*left.event_times, *right.event_times)}
    if times & {name.lower() for name in join.using_columns}:
        return True
    pairs = equal_pairs(join.join_condition, left, right)
    if any(left.is_event_time(one) or right.is_event_time(other) for one, other in pairs):
        return True
    bounded = {"RightOuter": [(right, left)], "FullOuter": [(left, right), (right, left)]}
    return any(bounds(join.join_condition, side, by) for side, by in bounded.get(how, [(left, right)]))


def set_operation(node: Node, query: Query) -> Refusal:
    left, right = (child.is_streaming for child in node.children)
    match node.relation.set_op.set_op_type:
        case SetOperation.SET_OP_TYPE_UNION if left != right:
            return "Union between streaming and batch DataFrames/Datasets is not supported"
        case SetOperation.SET_OP_TYPE_EXCEPT if right:
            return "Except on a streaming DataFrame/Dataset on the right is not supported"
        case SetOperation.SET_OP_TYPE_INTERSECT if left or right:
            return "Intersect of streaming DataFrames/Datasets is not supported"
    return None

"""Rule: a batch aggregation by `session_window`, which the engine lacks, in window functions it has.

To run after the window rule, which gives every row a session of its own. Rows of one group, ordered by
time, continue the session before them if it reaches that far (touching is enough), and each row is
then given the whole of the session it is in. A stream's sessions outlive a batch, so there the
operator merges them instead.
"""

from collections.abc import Sequence

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Aggregate, Relation

from cauce.plan.build import alias, attribute, call, integer, project, star, string
from cauce.plan.walk import replace_children, transform, transform_expressions
from cauce.plan.windows import SESSION_WINDOW_COLUMN

__all__ = ["merge_sessions"]

REACH_COLUMN = "__cauce_session_reach"
NUMBER_COLUMN = "__cauce_session_number"
MERGED_COLUMN = "__cauce_merged_session"

START = attribute(SESSION_WINDOW_COLUMN, "start")
END = attribute(SESSION_WINDOW_COLUMN, "end")


def merge_sessions(relation: Relation) -> Relation:
    """The plan with every aggregation by a session window made executable."""
    return transform(relation, _merge)


def _merge(node: Relation) -> Relation:
    if not node.HasField("aggregate"):
        return node
    keys = [_unaliased(key) for key in node.aggregate.grouping_expressions]
    others = [key for key in keys if key != attribute(SESSION_WINDOW_COLUMN)]
    if len(others) == len(keys):
        return node
    merged = replace_children(node, [_with_merged_sessions(node.aggregate, others)])
    return transform_expressions(merged, _over_merged)


def _with_merged_sessions(aggregate: Aggregate, keys: Sequence[Expression]) -> Relation:
    """The aggregation's input, each row with the whole session it belongs to."""
    reach = _over(call("max", END), keys, rows_to=-1)
    relation = project(aggregate.input, [star(), alias(reach, REACH_COLUMN)])
    continues = call("<=", START, attribute(REACH_COLUMN))
    number = _over(call("sum", call("when", continues, integer(0), integer(1))), keys, rows_to=0)
    relation = project(relation, [star(), alias(number, NUMBER_COLUMN)])
    session = [*keys, attribute(NUMBER_COLUMN)]
    first, last = _over(call("min", START), session), _over(call("max", END), session)
    whole = call("named_struct", string("start"), first, string("end"), last)
    return project(relation, [star(), alias(whole, MERGED_COLUMN)])


def _over(function: Expression, keys: Sequence[Expression], rows_to: int | None = None) -> Expression:
    """The function over all rows of a group, or over those up to `rows_to` rows from the current one."""
    window = Expression.Window(window_function=function, partition_spec=keys)
    if rows_to is not None:
        window.order_spec.add(child=START, direction=Expression.SortOrder.SORT_DIRECTION_ASCENDING)
        window.frame_spec.frame_type = Expression.Window.WindowFrame.FRAME_TYPE_ROW
        window.frame_spec.lower.unbounded = True
        if rows_to == 0:
            window.frame_spec.upper.current_row = True
        else:
            window.frame_spec.upper.value.CopyFrom(integer(rows_to))
    return Expression(window=window)


def _over_merged(part: Expression) -> Expression:
    """A reference to the row's own session as one to the whole session."""
    if not part.HasField("unresolved_attribute"):
        return part
    first, *fields = part.unresolved_attribute.unparsed_identifier.split(".")
    return attribute(MERGED_COLUMN, *fields) if first == SESSION_WINDOW_COLUMN else part


def _unaliased(key: Expression) -> Expression:
    return key.alias.expr if key.HasField("alias") else key

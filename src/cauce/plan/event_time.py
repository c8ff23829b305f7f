"""Which columns of a relation carry a watermark: those that are a watermarked column, or a window of one.

Spark keeps the delay in the column's metadata, which an alias copies and any computation loses; here
the same is told by reading the relation.
"""

from collections.abc import Callable, Mapping

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Join, Relation

from cauce.plan.build import project
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.intervals import parse_watermark_delay_ms
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import children, kind, walk_expression
from cauce.plan.windows import SESSION_WINDOW_COLUMN, WINDOW_COLUMN

__all__ = ["EventTimes", "event_times"]

EventTimes = Mapping[str, int]
"""Column name -> the watermark's delay in milliseconds."""

WINDOWS = ("window", "session_window", "window_time")

# These give their input's columns under their input's names.
TRANSPARENT = frozenset(
    "collect_metrics deduplicate drop_na fill_na filter hint limit offset repartition repartition_by_expression replace "
    "sample sort subquery_alias tail to_schema".split()
)
LEFT_ONLY_JOINS = (Join.JOIN_TYPE_LEFT_SEMI, Join.JOIN_TYPE_LEFT_ANTI)


def event_times(
    relation: Relation, inputs: Mapping[str, EventTimes], columns: Callable[[Relation], list[str]]
) -> dict[str, int]:
    """The watermarked columns of a relation over the named input leaves.

    `columns` tells the column names of a relation, asked only where columns are matched by position.
    """
    match kind(relation):
        case "cached_remote_relation":
            return dict(inputs.get(relation.cached_remote_relation.relation_id, {}))
        case "join":
            sides = children(relation)
            kept = sides[:1] if relation.join.join_type in LEFT_ONLY_JOINS else sides
            return {k: v for side in kept for k, v in event_times(side, inputs, columns).items()}
        case "aggregate":
            keys = project(relation.aggregate.input, relation.aggregate.grouping_expressions)
            return event_times(keys, inputs, columns)
    below = [event_times(child, inputs, columns) for child in children(relation)[:1]]
    carried = below[0] if below else {}
    if kind(relation) == "with_watermark":
        return {**carried, **_watermarked(relation)}
    if not carried:
        return {}
    match kind(relation):
        case name if name in TRANSPARENT or name == "set_op":
            return carried
        case "project":
            return _projected(relation, carried)
        case "with_columns":
            return _with_columns(relation, carried)
        case "with_columns_renamed":
            return _renamed(relation, carried)
        case "to_df":
            pairs = zip(columns(relation.to_df.input), relation.to_df.column_names, strict=True)
            return {new: carried[old] for old, new in pairs if old in carried}
        case "drop":
            dropped = {n.lower() for n in relation.drop.column_names}
            dropped |= {output_name(e).lower() for e in relation.drop.columns}
            return {name: delay for name, delay in carried.items() if name.lower() not in dropped}
    return {}


def _watermarked(relation: Relation) -> dict[str, int]:
    name = identifier_parts(relation.with_watermark.event_time)[-1]
    return {name: parse_watermark_delay_ms(relation.with_watermark.delay_threshold)}


def _projected(relation: Relation, carried: EventTimes) -> dict[str, int]:
    found: dict[str, int] = {}
    for expression in relation.project.expressions:
        if expression.HasField("unresolved_star"):
            found.update(carried)
        elif (delay := _delay(expression, carried)) is not None:
            found[output_name(expression)] = delay
    return found


def _with_columns(relation: Relation, carried: EventTimes) -> dict[str, int]:
    found = dict(carried)
    for column in relation.with_columns.aliases:
        name = column.name[0]
        for old in [old for old in found if old.lower() == name.lower()]:
            del found[old]
        delay = _delay(Expression(alias=column), carried)
        if delay is not None:
            found[name] = delay
    return found


def _renamed(relation: Relation, carried: EventTimes) -> dict[str, int]:
    names = {old.lower(): new for old, new in relation.with_columns_renamed.rename_columns_map.items()}
    names |= {r.col_name.lower(): r.new_col_name for r in relation.with_columns_renamed.renames}
    return {names.get(name.lower(), name): delay for name, delay in carried.items()}


def _delay(expression: Expression, carried: EventTimes) -> int | None:
    """The delay this expression carries on, or None."""
    if expression.HasField("alias"):
        if list(expression.alias.name) in ([WINDOW_COLUMN], [SESSION_WINDOW_COLUMN]):
            # The window rule has turned the call into arithmetic on the time it was a window of.
            delays = (_delay(inner, carried) for inner in walk_expression(expression.alias.expr))
            return next((delay for delay in delays if delay is not None), None)
        return _delay(expression.alias.expr, carried)
    if function_name(expression) in WINDOWS and expression.unresolved_function.arguments:
        return _delay(expression.unresolved_function.arguments[0], carried)
    if expression.HasField("unresolved_attribute"):
        parts = identifier_parts(expression.unresolved_attribute.unparsed_identifier)
        by_name = {name.lower(): delay for name, delay in carried.items()}
        return by_name.get(parts[-1].lower())
    return None

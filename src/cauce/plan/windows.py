"""Rule: `window`, `session_window` and windows over windows become columns of a projection below.

Spark's own rule (TimeWindowing, SessionWindowing) does the same: the row's windows are computed before the
operator that asked for them, rows without an event time are dropped, and the operator then groups by
a plain column. After this rule no Aggregate contains a window call.
https://github.com/apache/spark/blob/v4.2.0/sql/catalyst/src/main/scala/org/apache/spark/sql/catalyst/analysis/ResolveTimeWindows.scala
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation
from pyspark.sql.types import DataType, StructType, TimestampType

from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.plan.build import alias, attribute, call, drop, filter_by, long, project, star, string
from cauce.plan.expression_strings import read_expressions
from cauce.plan.expression_text import function_name, output_name, sql_text
from cauce.plan.intervals import CalendarInterval, parse_calendar_interval, parse_interval_us
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import (
    children,
    expressions,
    kind,
    operands,
    replace_children,
    replace_expressions,
    replace_operands,
    transform,
    transform_expression,
    walk_expressions,
)

__all__ = [
    "SESSION_WINDOW_COLUMN",
    "WINDOW_COLUMN",
    "TimeWindow",
    "rewrite_windows",
    "session_struct",
    "time_window",
    "window_struct",
]

# What the projection below calls the column: the input may have a `window` of its own.
WINDOW_COLUMN = "__cauce_window"
SESSION_WINDOW_COLUMN = "__cauce_session_window"
WINDOW_CALL = re.compile(r"window\s*\(", re.IGNORECASE)
COLUMNS = {"window": WINDOW_COLUMN, "session_window": SESSION_WINDOW_COLUMN}

LONG_MAX = 2**63 - 1

# How Spark calls the types a gap may not have.
GAP_TYPES = {
    "integer": "IntegerType",
    "long": "LongType",
    "double": "DoubleType",
    "boolean": "BooleanType",
    "day_time_interval": "DayTimeIntervalType(0,3)",
    "year_month_interval": "YearMonthIntervalType(0,1)",
}

INTERVAL_PATTERN = (
    r"(?i)^\s*(interval\s)?(\s*[+-]?\s*(\d+(\.\d*)?|\.\d+)\s+"
    r"(year|month|week|day|hour|minute|second|millisecond|microsecond)s?)+\s*$"
)

Schema = Callable[[Relation], StructType]


@dataclass(frozen=True)
class TimeWindow:
    """A `window` call with its durations read and checked, in microseconds."""

    time: Expression
    size_us: int
    slide_us: int
    start_us: int

    @property
    def is_tumbling(self) -> bool:
        """Whether a row falls into exactly one window."""
        return self.size_us == self.slide_us


def rewrite_windows(relation: Relation, schema: Schema | None = None) -> Relation:
    """Rewrite every window call of the plan.

    `schema` tells the columns of a relation; it is asked only about inputs of window calls. With it,
    tumbling windows over a timestamp become plain arithmetic, which the engine runs twice as fast,
    and a window of a window column is understood; without it, the engine's own `window` runs.
    """
    relation = read_expressions(relation, WINDOW_CALL)
    return transform(relation, lambda node: _rewrite_node(node, schema))


def time_window(expression: Expression) -> TimeWindow | None:
    """The `window` call this expression is, or None; raises Spark's errors about its durations."""
    if function_name(expression) != "window":
        return None
    arguments = _arguments(expression)
    if not 2 <= len(arguments) <= 4:
        raise AnalysisException(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            functionName="`window`",
            expectedNum="[2, 3, 4]",
            actualNum=len(arguments),
            docroot="https://spark.apache.org/docs/latest",
        )
    durations = [_duration_us(argument) for argument in arguments[1:]]
    size_us = durations[0]
    slide_us = durations[1] if len(durations) > 1 else size_us
    window = TimeWindow(arguments[0], size_us, slide_us, durations[2] if len(durations) > 2 else 0)
    _check(window)
    return window


def window_struct(window: TimeWindow) -> Expression:
    """The one window of a tumbling call as struct<start, end>, for a time of type timestamp."""
    time_us = call("unix_micros", window.time)
    offset = call("-", time_us, long(window.start_us)) if window.start_us else time_us
    start_us = call("-", time_us, call("pmod", offset, long(window.slide_us)))
    start = call("timestamp_micros", start_us)
    end = call("timestamp_micros", call("+", start_us, long(window.size_us)))
    return call("named_struct", string("start"), start, string("end"), end)


def session_struct(time: Expression, gap: Expression) -> Expression:
    """A row's own session, before merging: struct<start, end> from its time to its time plus the gap."""
    return call("named_struct", string("start"), time, string("end"), call("+", time, _gap_interval(gap)))


def _rewrite_node(node: Relation, schema: Schema | None) -> Relation:
    calls = {
        sql_text(expression): expression
        for expression in walk_expressions(node)
        if function_name(expression) in COLUMNS
    }
    inputs = children(node)
    if not calls or len(inputs) != 1:
        return node
    if len(calls) > 1:
        raise AnalysisException("_LEGACY_ERROR_TEMP_1039")
    window_call = next(iter(calls.values()))
    if function_name(window_call) == "window":
        return _rewrite_window(node, inputs[0], window_call, schema)
    return _rewrite_session(node, inputs[0], window_call)


def _rewrite_window(
    node: Relation, child: Relation, window_call: Expression, schema: Schema | None
) -> Relation:
    window = time_window(window_call)
    assert window is not None
    time_type = _type_of(window.time, child, schema)
    if isinstance(time_type, StructType):
        window = TimeWindow(
            call("window_time", window.time), window.size_us, window.slide_us, window.start_us
        )
        time_type = next(field.dataType for field in time_type)
    if window.is_tumbling and isinstance(time_type, TimestampType):
        return _over(
            node, filter_by(child, call("isNotNull", window.time)), window_call, window_struct(window)
        )
    durations = [long(us) for us in (window.size_us, window.slide_us, window.start_us)]
    return _over(node, child, window_call, call("window", window.time, *durations))


def _rewrite_session(node: Relation, child: Relation, session_call: Expression) -> Relation:
    time, gap = _arguments(session_call)
    # One filter serves null times, null and unreadable gaps, and gaps that are not positive.
    lasts = call(">", call("+", time, _gap_interval(gap)), time)
    return _over(node, filter_by(child, lasts), session_call, session_struct(time, gap))


def _over(node: Relation, child: Relation, window_call: Expression, value: Expression) -> Relation:
    """`node` with the window call replaced by a column, which a projection over `child` computes."""
    name = function_name(window_call)
    shape = kind(node)
    if shape not in ("project", "with_columns", "aggregate"):
        # Here Spark's rewrite shows: operators that keep their input's columns get the window's too, first.
        below = project(child, [alias(value, name), star()])
        return replace_children(_replace(node, window_call, name), [below])
    column = COLUMNS[name]
    above = replace_children(
        _replace(node, window_call, column), [project(child, [star(), alias(value, column)])]
    )
    return drop(above, column) if _keeps_columns(node) else above


def _replace(node: Relation, window_call: Expression, column: str) -> Relation:
    """The node with the call, and in an Aggregate the name Spark gives its column, replaced by `column`."""
    text = sql_text(window_call)
    old = expressions(node)
    new = [_replace_call(expression, window_call, text, column) for expression in old]
    if node.HasField("aggregate"):
        new = [_replace_name(expression, function_name(window_call), column) for expression in new]
    named = _named_count(node)
    return replace_expressions(node, [*map(_keep_name, old[:named], new[:named]), *new[named:]])


def _replace_call(expression: Expression, window_call: Expression, text: str, column: str) -> Expression:
    if function_name(expression) == function_name(window_call) and sql_text(expression) == text:
        return attribute(column)
    new = [_replace_call(operand, window_call, text, column) for operand in operands(expression)]
    return replace_operands(expression, new)


def _replace_name(expression: Expression, name: str, column: str) -> Expression:
    """`window.end` in an aggregation means the window it groups by."""

    def replaced(part: Expression) -> Expression:
        if not part.HasField("unresolved_attribute"):
            return part
        parts = identifier_parts(part.unresolved_attribute.unparsed_identifier)
        return attribute(column, *parts[1:]) if parts[0].lower() == name else part

    return transform_expression(expression, replaced)


def _named_count(node: Relation) -> int:
    """How many of the node's expressions, from the first on, become columns named after themselves."""
    if node.HasField("aggregate"):
        return len(node.aggregate.grouping_expressions) + len(node.aggregate.aggregate_expressions)
    return len(node.project.expressions)


def _keep_name(old: Expression, new: Expression) -> Expression:
    if new is old or output_name(new) == output_name(old):
        return new
    return alias(new, output_name(old))


def _keeps_columns(node: Relation) -> bool:
    """Whether the helper column would show in the node's output."""
    if node.HasField("project"):
        return any(expression.HasField("unresolved_star") for expression in node.project.expressions)
    return node.HasField("with_columns")


def _type_of(time: Expression, child: Relation, schema: Schema | None) -> DataType | None:
    """The type of a time column given by name; None if there is no telling."""
    if schema is None or not time.HasField("unresolved_attribute"):
        return None
    name = identifier_parts(time.unresolved_attribute.unparsed_identifier)[-1].lower()
    found = [field.dataType for field in schema(child) if field.name.lower() == name]
    return found[0] if len(found) == 1 else None


def _arguments(expression: Expression) -> Sequence[Expression]:
    if expression.HasField("call_function"):
        return expression.call_function.arguments
    return expression.unresolved_function.arguments


def _duration_us(argument: Expression) -> int:
    literal = argument.literal
    match literal.WhichOneof("literal_type"):
        case "string":
            return parse_interval_us(literal.string)
        case "integer":
            return literal.integer
        case "long":
            return literal.long
        case _:
            raise AnalysisException("_LEGACY_ERROR_TEMP_1207")


def _check(window: TimeWindow) -> None:
    durations = [window.size_us, window.slide_us, window.start_us]
    text = f'"window({", ".join([sql_text(window.time), *map(str, durations)])})"'
    for name, us in (("window_duration", window.size_us), ("slide_duration", window.slide_us)):
        if us <= 0:
            raise AnalysisException(
                "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                sqlExpr=text,
                exprName=f"`{name}`",
                valueRange=f"(0, {LONG_MAX}]",
                currentValue=f"{us}L",
            )
    if window.slide_us > window.size_us:
        _refuse_order(text, "`slide_duration`", window.slide_us, "<=", "`window_duration`", window.size_us)
    if abs(window.start_us) >= window.slide_us:
        _refuse_order(
            text, "`abs(start_time)`", abs(window.start_us), "<", "`slide_duration`", window.slide_us
        )


def _refuse_order(text: str, left: str, left_us: int, constraint: str, right: str, right_us: int) -> None:
    raise AnalysisException(
        "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
        sqlExpr=text,
        leftExprName=left,
        leftExprValue=f"{left_us}L",
        constraint=constraint,
        rightExprName=right,
        rightExprValue=f"{right_us}L",
    )


def _gap_interval(gap: Expression) -> Expression:
    """The gap as an interval; a text Spark cannot read is null, and so is the row's session."""
    shape = gap.literal.WhichOneof("literal_type")
    if shape == "calendar_interval":
        return gap
    if shape == "string":
        return _interval_literal(gap.literal.string)
    if shape not in (None, "null"):
        raise AnalysisException("_LEGACY_ERROR_TEMP_1040", dt=GAP_TYPES.get(shape, shape))
    # The engine's cast fails on a text that is no interval, so only what reads as one is cast.
    interval = Expression(cast=Expression.Cast(expr=gap, type_str="interval"))
    return call("when", call("rlike", gap, string(INTERVAL_PATTERN)), interval)


def _interval_literal(text: str) -> Expression:
    try:
        interval = parse_calendar_interval(text)
    except IllegalArgumentException:
        interval = CalendarInterval()  # no gap at all: the filter drops every row, as it does for null
    if interval.months == 0:
        return Expression(literal=Expression.Literal(day_time_interval=interval.fixed_us))
    return Expression(
        literal=Expression.Literal(
            calendar_interval=Expression.Literal.CalendarInterval(
                months=interval.months, days=interval.days, microseconds=interval.microseconds
            )
        )
    )

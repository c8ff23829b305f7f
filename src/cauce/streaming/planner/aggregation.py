"""A streaming aggregation in three parts: project keys and arguments, aggregate, project the answer.

`groupBy(k).agg(sum(x) + 1)` becomes a fragment giving columns `k0`, `a0`; the stateful operator
giving `k0`, `c0` (= sum of a0); and a projection giving `k`, `c0 + 1` under the user's names.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.connect.proto import Expression, Relation
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.engine import input_leaf
from cauce.errors import AnalysisException
from cauce.plan.build import alias, attribute, integer, project
from cauce.plan.build import call as function_call
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import operands, plan_id
from cauce.plan.windows import SESSION_WINDOW_COLUMN, WINDOW_COLUMN
from cauce.streaming.operators import StatefulOperator, StreamingAggregate, StreamingSessionAggregate
from cauce.streaming.operators.aggregates import AGGREGATES, UNSUPPORTED_AGGREGATES, AggregateCall
from cauce.streaming.operators.aggregates.result_types import argument_type, result_type
from cauce.streaming.planner.nodes import Node, SelectNode
from cauce.streaming.planner.recompute import plan_reaggregate, reads_replaced_rows

if TYPE_CHECKING:
    from cauce.streaming.planner.cut import Cutter

__all__ = ["plan_aggregate"]

COLUMN_ARGUMENTS = {
    "corr": 2, "covar_pop": 2, "covar_samp": 2, "max_by": 2, "min_by": 2, "regr_avgx": 2, "regr_avgy": 2,
    "regr_count": 2, "regr_intercept": 2, "regr_r2": 2, "regr_slope": 2, "regr_sxx": 2, "regr_sxy": 2,
    "regr_syy": 2,
}  # fmt: skip
"""Arguments that are columns; the others are constants. One where nothing is said; all for count."""

WINDOW_TITLES = {WINDOW_COLUMN: "window", SESSION_WINDOW_COLUMN: "session_window"}

IGNORE_NULLS_FUNCTIONS = ("any_value", "first", "first_value", "last", "last_value")


@dataclass
class _Calls:
    """The keys, arguments and aggregate calls of one aggregation, each distinct one once."""

    keys: dict[bytes, str] = field(default_factory=dict)
    arguments: dict[bytes, tuple[str, Expression]] = field(default_factory=dict)
    calls: dict[bytes, tuple[str, Expression]] = field(default_factory=dict)

    def rewrite(self, expression: Expression) -> Expression:
        """The expression over the operator's output columns."""
        fingerprint = _fingerprint(expression)
        if fingerprint in self.keys:
            return attribute(self.keys[fingerprint])
        if _is_aggregate(expression):
            kept = Expression()
            kept.CopyFrom(expression)  # the original may be part of a message that is being rewritten
            return attribute(self.calls.setdefault(fingerprint, (f"c{len(self.calls)}", kept))[0])
        if function_name(expression) in UNSUPPORTED_AGGREGATES:
            name = function_name(expression)
            raise AnalysisException(None, f"The aggregate function {name} is not supported on streams.")
        if expression.HasField("unresolved_attribute"):
            name = output_name(expression)
            raise AnalysisException(
                "MISSING_AGGREGATION", expression=f'"{name}"', expressionAnyValue=f'"any_value({name})"'
            )
        copy = Expression()
        copy.CopyFrom(expression)
        for operand in operands(copy):
            operand.CopyFrom(self.rewrite(operand))
        return copy

    def argument(self, expression: Expression) -> str:
        """The input column that holds an argument."""
        fresh = (f"a{len(self.arguments)}", expression)
        return self.arguments.setdefault(_fingerprint(expression), fresh)[0]


def plan_aggregate(cutter: "Cutter", relation: Relation) -> Node:
    """The nodes of one aggregation over a stream."""
    if cutter.relaxed and cutter.output_mode == "update" and reads_replaced_rows(relation.aggregate.input):
        return plan_reaggregate(cutter, relation)
    keys = list(relation.aggregate.grouping_expressions)
    wanted = relation.aggregate.aggregate_expressions
    calls = _Calls({_fingerprint(_unaliased(key)): f"k{i}" for i, key in enumerate(keys)})
    answers = [(calls.rewrite(_unaliased(e)), output_name(e)) for e in wanted]
    if not calls.calls:  # SELECT DISTINCT: the state keeps a value for every key
        calls.rewrite(function_call("count", integer(1)))
    described = [_describe_call(cutter, calls, name, call) for name, call in calls.calls.values()]
    child = cutter.cut(_input_projection(relation, keys, calls))
    child, described = _with_casts(cutter, child, described)
    schema = _output_schema(child, len(keys), described)
    operator = _operator(cutter, child, schema, described, keys)
    stateful = cutter.stateful_node(child, operator, schema)
    names = [(attribute(f"k{i}"), output_name(key)) for i, key in enumerate(keys)]
    return _answer(cutter, stateful, names + answers, plan_id(relation))


def _describe_call(cutter: "Cutter", calls: _Calls, name: str, call: Expression) -> dict[str, Any]:
    function = call.unresolved_function
    spark_name = function.function_name.lower()
    arguments = [a for a in function.arguments if not a.HasField("unresolved_star")]
    count = len(arguments) if spark_name == "count" else COLUMN_ARGUMENTS.get(spark_name, 1)
    parameters = tuple(_constant(cutter, argument) for argument in arguments[count:])
    ignores_nulls = spark_name in IGNORE_NULLS_FUNCTIONS and bool(parameters) and bool(parameters[0])
    return {
        "function": spark_name,
        "output": name,
        "inputs": tuple(calls.argument(argument) for argument in arguments[:count]),
        "distinct": function.is_distinct,
        "ignore_nulls": ignores_nulls,
        "parameters": () if spark_name in IGNORE_NULLS_FUNCTIONS else parameters,
    }


def _input_projection(relation: Relation, keys: list[Expression], calls: _Calls) -> Relation:
    columns = [alias(_unaliased(key), f"k{i}") for i, key in enumerate(keys)]
    columns += [alias(expression, name) for name, expression in calls.arguments.values()]
    if not columns:  # count(*) over everything still needs to know how many rows there are
        columns = [alias(Expression(literal=Expression.Literal(boolean=True)), "row")]
    return project(relation.aggregate.input, columns)


def _with_casts(
    cutter: "Cutter", child: Node, described: list[dict[str, Any]]
) -> tuple[Node, list[dict[str, Any]]]:
    """Arguments in the types the functions take: text is read as a number where one is needed."""
    casts: dict[str, Expression] = {}
    taken: list[dict[str, Any]] = []
    for call in described:
        inputs = []
        for name in call["inputs"]:
            given = child.schema[name].dataType
            wanted = argument_type(call["function"], given)
            if wanted != given:
                cast = Expression.Cast(expr=attribute(name), type_str=wanted.simpleString())
                name = f"{name}_{wanted.typeName()}"
                casts[name] = alias(Expression(cast=cast), name)
            inputs.append(name)
        taken.append({**call, "inputs": tuple(inputs)})
    if not casts:
        return child, described
    columns = [*(attribute(name) for name in child.schema.names), *casts.values()]
    return cutter.fragment(project(input_leaf("input0"), columns), {"input0": child}), taken


def _operator(
    cutter: "Cutter",
    child: Node,
    schema: StructType,
    described: list[dict[str, Any]],
    grouping: list[Expression],
) -> StatefulOperator:
    session_key, titles = _session_key(grouping), [_title(key) for key in grouping]
    given = cutter.empty(child).schema
    wanted = to_arrow_schema(schema, timezone=cutter.engine.time_zone)
    calls = [
        AggregateCall(
            **call,
            output_type=wanted.field(call["output"]).type,
            input_types=tuple(given.field(name).type for name in call["inputs"]),
            ansi=cutter.ansi,
        )
        for call in described
    ]
    keys = [name for name in given.names if name.startswith("k")]
    event_time = _event_time_key(child)
    if session_key is None:
        return StreamingAggregate(given, keys, calls, event_time, schema, titles)
    return StreamingSessionAggregate(
        given, keys, calls, session_key, schema, is_watermarked=event_time == session_key, titles=titles
    )


def _output_schema(child: Node, key_count: int, described: list[dict[str, Any]]) -> StructType:
    """Keys as they come, and calls in the types Spark gives them."""
    schema = StructType([child.schema[f"k{i}"] for i in range(key_count)])
    for call in described:
        types = [child.schema[name].dataType for name in call["inputs"]]
        schema.add(call["output"], result_type(call["function"], types, call["parameters"]))
    return schema


def _title(key: Expression) -> str:
    """What Spark calls a key in its state: a column by its name, a window `window`, all else this."""
    key = _unaliased(key)
    if not key.HasField("unresolved_attribute"):
        return "_groupingexpression"
    name = identifier_parts(key.unresolved_attribute.unparsed_identifier)[-1]
    return WINDOW_TITLES.get(name, name)


def _session_key(keys: list[Expression]) -> str | None:
    """The key that is a row's own session, if the query groups by sessions."""
    names = [_unaliased(key).unresolved_attribute.unparsed_identifier for key in keys]
    return f"k{names.index(SESSION_WINDOW_COLUMN)}" if SESSION_WINDOW_COLUMN in names else None


def _event_time_key(child: Node) -> str | None:
    """The key column that carries the watermark, if the query groups by one."""
    return next((name for name in child.event_times if name.startswith("k")), None)


def _answer(
    cutter: "Cutter", child: Node, answers: list[tuple[Expression, str]], identifier: int | None
) -> Node:
    if all(e.HasField("unresolved_attribute") for e, _ in answers):
        columns = tuple((e.unresolved_attribute.unparsed_identifier, name) for e, name in answers)
        fields = [child.schema[source] for source, _ in columns]
        schema = StructType()
        for source_field, (_, name) in zip(fields, columns, strict=True):
            schema.add(name, source_field.dataType, source_field.nullable)
        return SelectNode(child, columns, schema)
    columns = [alias(expression, name) for expression, name in answers]
    return cutter.fragment(project(input_leaf("input0"), columns), {"input0": child})


def _is_aggregate(expression: Expression) -> bool:
    if not expression.HasField("unresolved_function"):
        return False
    return expression.unresolved_function.function_name.lower() in AGGREGATES


def _unaliased(expression: Expression) -> Expression:
    return _unaliased(expression.alias.expr) if expression.HasField("alias") else expression


def _fingerprint(expression: Expression) -> bytes:
    """Equal for equal expressions, wherever the client wrote them down."""
    bare = Expression()
    bare.CopyFrom(expression)
    _forget_origin(bare)
    return bare.SerializeToString(deterministic=True)


def _forget_origin(expression: Expression) -> None:
    expression.ClearField("common")
    if expression.HasField("unresolved_attribute"):
        expression.unresolved_attribute.ClearField("plan_id")
    for operand in operands(expression):
        _forget_origin(operand)


def _constant(cutter: "Cutter", expression: Expression) -> Any:
    """The value of an argument that must not depend on rows."""
    one_row = pa.table({"row": [True]})
    constant = project(input_leaf("input"), [alias(expression, "value")])
    return cutter.engine.run(constant, {"input": one_row})["value"][0].as_py()

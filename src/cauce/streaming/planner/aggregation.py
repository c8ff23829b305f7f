"""A streaming aggregation in three parts: project keys and arguments, aggregate, project the answer.

`groupBy(k).agg(sum(x) + 1)` becomes a fragment giving columns `k0`, `a0`; the stateful operator
giving `k0`, `c0` (= sum of a0); and a projection giving `k`, `c0 + 1` under the user's names.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.connect.proto import Aggregate, Expression, Relation
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.engine import input_leaf
from cauce.errors import AnalysisException
from cauce.plan.build import alias, attribute, project
from cauce.plan.expression_text import output_name
from cauce.plan.walk import operands, plan_id
from cauce.streaming.operators.aggregate import StreamingAggregate
from cauce.streaming.operators.aggregates import AGGREGATES, AggregateCall
from cauce.streaming.planner.nodes import Node, SelectNode

if TYPE_CHECKING:
    from cauce.streaming.planner.cut import Cutter

__all__ = ["plan_aggregate"]

COLUMN_ARGUMENTS = {
    "corr": 2, "covar_pop": 2, "covar_samp": 2, "max_by": 2, "min_by": 2, "regr_avgx": 2, "regr_avgy": 2,
    "regr_count": 2, "regr_intercept": 2, "regr_r2": 2, "regr_slope": 2, "regr_sxx": 2, "regr_sxy": 2,
    "regr_syy": 2,
}  # fmt: skip
"""Arguments that are columns; the others are constants. One where nothing is said; all for count."""

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
        if expression.HasField("unresolved_attribute"):
            name = output_name(expression)
            raise AnalysisException("MISSING_AGGREGATION", expression=f'"{name}"', expressionAnyValue=f'"any_value({name})"')
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
    keys = [_parsed(e) for e in relation.aggregate.grouping_expressions]
    wanted = [_parsed(e) for e in relation.aggregate.aggregate_expressions]
    calls = _Calls({_fingerprint(_unaliased(key)): f"k{i}" for i, key in enumerate(keys)})
    answers = [(calls.rewrite(_unaliased(e)), output_name(e)) for e in wanted]
    described = [_describe_call(cutter, calls, name, call) for name, call in calls.calls.values()]
    child = cutter.cut(_input_projection(relation, keys, calls))
    schema = _output_schema(cutter, child, len(keys), described)
    operator = _operator(cutter, child, schema, described, _event_time_key(child))
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


def _operator(
    cutter: "Cutter", child: Node, schema: StructType, described: list[dict[str, Any]], event_time: str | None
) -> StreamingAggregate:
    given = cutter.empty(child).schema
    wanted = to_arrow_schema(schema, timezone=cutter.engine.time_zone)
    calls = [
        AggregateCall(
            **call,
            output_type=wanted.field(call["output"]).type,
            input_types=tuple(given.field(name).type for name in call["inputs"]),
        )
        for call in described
    ]
    keys = [name for name in given.names if name.startswith("k")]
    return StreamingAggregate(given, keys, calls, event_time, schema)


def _output_schema(
    cutter: "Cutter", child: Node, key_count: int, described: list[dict[str, Any]]
) -> StructType:
    """Keys and calls with the types Sail gives the same aggregation on a batch."""
    aggregation = Aggregate(
        input=input_leaf("input"),
        group_type=Aggregate.GROUP_TYPE_GROUPBY,
        grouping_expressions=[attribute(f"k{i}") for i in range(key_count)],
        aggregate_expressions=[alias(_call_on_columns(call), call["output"]) for call in described],
    )
    return cutter.engine.schema(Relation(aggregate=aggregation), {"input": cutter.empty(child)})


def _call_on_columns(call: dict[str, Any]) -> Expression:
    arguments = [attribute(name) for name in call["inputs"]]
    arguments += [_literal(value) for value in call["parameters"]]
    if not arguments:
        arguments = [_literal(1)]
    function = Expression.UnresolvedFunction(
        function_name=call["function"], arguments=arguments, is_distinct=call["distinct"]
    )
    return Expression(unresolved_function=function)


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


def _parsed(expression: Expression) -> Expression:
    """SQL text inside the expression made visible, so that aggregates in it are found."""
    if expression.HasField("expression_string"):
        from cauce.plan.sql import parse_expression  # sqlglot is only loaded by those who use SQL

        return parse_expression(expression.expression_string.expression)
    copy = Expression()
    copy.CopyFrom(expression)
    for operand in operands(copy):
        operand.CopyFrom(_parsed(operand))
    return copy


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


def _literal(value: Any) -> Expression:
    from pyspark.sql.connect.expressions import LiteralExpression

    return LiteralExpression._from_value(value).to_plan(None)

"""`df.observe(...)`: aggregates over a part of a plan, told to the client with the plan's result."""

from pyspark.sql.connect.expressions import LiteralExpression
from pyspark.sql.connect.proto import Aggregate, ExecutePlanResponse, Relation

from cauce.connect.preparation import ObservedMetrics, Preparation, replace
from cauce.plan.build import project, star
from cauce.session import Session

__all__ = ["collect_metrics", "observed_metrics"]


def collect_metrics(node: Relation, preparation: Preparation) -> None:
    """Sail has no such node: rows just pass, and the aggregates run on their own afterwards.

    So an observed part of a plan is computed twice, and its metrics are those of all its rows even if
    the plan stops early (`limit`).
    """
    collected = node.collect_metrics
    if preparation.running:
        aggregate = Relation()
        aggregate.aggregate.input.CopyFrom(collected.input)
        aggregate.aggregate.group_type = Aggregate.GROUP_TYPE_GROUPBY
        aggregate.aggregate.aggregate_expressions.extend(collected.metrics)
        preparation.observed.append(ObservedMetrics(collected.name, node.common.plan_id, aggregate))
    replace(node, project(collected.input, [star()]))


def observed_metrics(observed: ObservedMetrics, session: Session) -> ExecutePlanResponse:
    """Compute the metrics; the response that carries them."""
    table = session.engine.run(observed.aggregate)
    metrics = ExecutePlanResponse.ObservedMetrics(
        name=observed.name, plan_id=observed.plan_id, keys=table.column_names
    )
    types = session.engine.schema(observed.aggregate)
    for field, column in zip(types, table.columns, strict=True):
        literal = LiteralExpression(column[0].as_py(), field.dataType)
        metrics.values.append(literal.to_plan(None).literal)  # pyright: ignore[reportArgumentType]
    return ExecutePlanResponse(observed_metrics=[metrics])

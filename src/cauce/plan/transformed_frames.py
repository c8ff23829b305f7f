"""`model.transform(df).select(df.x)`: columns of a frame below a stage are found in the stage's output."""

from collections.abc import Iterator

from pyspark.sql.connect.proto import Relation

from cauce.plan.walk import children, kind, plan_id, walk, walk_expressions, with_plan_ids

__all__ = ["name_transformed_frames"]


def name_transformed_frames(relation: Relation) -> None:
    """Let attributes above a stage of pyspark.ml refer to the stage, in place.

    A stage hands on every column of its input, but becomes a function that Sail cannot look below.
    """
    stages = [node for node in walk(relation) if kind(node) == "ml_relation" and plan_id(node) is not None]
    for stage in reversed(stages):  # Innermost first.
        if stage.ml_relation.HasField("transform"):
            _retarget(relation, stage)


def _retarget(relation: Relation, stage: Relation) -> None:
    above = list(_outside(relation, plan_id(stage)))
    # A frame that is also read outside, by a join with itself, is found there.
    hidden = with_plan_ids(stage.ml_relation.transform.input).keys() - {plan_id(node) for node in above}
    for node in above:
        for expression in walk_expressions(node):
            for name in ("unresolved_attribute", "unresolved_regex"):
                if expression.HasField(name) and getattr(expression, name).plan_id in hidden:
                    getattr(expression, name).plan_id = stage.common.plan_id


def _outside(relation: Relation, stage_id: int | None) -> Iterator[Relation]:
    """Every relation of the plan but those at and below the stage."""
    if plan_id(relation) == stage_id:
        return
    yield relation
    for child in children(relation):
        yield from _outside(child, stage_id)

"""SQLTransformer: a statement over the frame, which it calls __THIS__."""

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation

from cauce.connect.ml_values import from_params
from cauce.errors import IllegalArgumentException
from cauce.plan.walk import next_plan_id

__all__ = ["sql_transformer"]

THIS = "__THIS__"


def sql_transformer(transform: proto.MlRelation.Transform) -> Relation:
    """The statement's relation over the input."""
    statement = from_params(transform.params).get("statement")
    if statement is None:
        raise IllegalArgumentException(
            None, "requirement failed: Failed to find a default value for statement"
        )
    named = Relation(subquery_alias=proto.SubqueryAlias(input=transform.input, alias=THIS))
    named.common.plan_id = next_plan_id(named)
    query = Relation(sql=proto.SQL(query=statement))
    query.common.plan_id = named.common.plan_id + 1
    return Relation(with_relations=proto.WithRelations(root=query, references=[named]))

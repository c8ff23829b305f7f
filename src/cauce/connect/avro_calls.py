"""`from_avro` and `to_avro` in a batch plan."""

from pyspark.sql.connect.proto import Relation

from cauce.connect.preparation import Preparation
from cauce.connect.sequence_ids import project
from cauce.plan.avro_functions import rewrite_avro_node

__all__ = ["avro_calls", "project_with_avro_calls"]


def avro_calls(node: Relation, preparation: Preparation) -> None:
    """Make the calls in this relation functions on Arrow columns."""
    rewritten = rewrite_avro_node(node)
    if rewritten is not node:
        node.CopyFrom(rewritten)


def project_with_avro_calls(node: Relation, preparation: Preparation) -> None:
    project(node, preparation)
    avro_calls(node, preparation)

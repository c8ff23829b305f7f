"""`from_json`, `from_avro` and `to_avro` in a batch plan, where the engine needs help."""

from pyspark.sql.connect.proto import Relation

from cauce.connect.preparation import Preparation
from cauce.connect.sequence_ids import project
from cauce.plan.avro_functions import rewrite_avro_node
from cauce.plan.json_failfast import fail_fast_on_json_of
from cauce.plan.json_moments import read_json_moments_of

__all__ = ["project_with_record_functions", "record_functions"]


def record_functions(node: Relation, preparation: Preparation) -> None:
    """Rewrite the calls in this relation."""
    rewritten = read_json_moments_of(fail_fast_on_json_of(rewrite_avro_node(node)))
    if rewritten is not node:
        node.CopyFrom(rewritten)


def project_with_record_functions(node: Relation, preparation: Preparation) -> None:
    project(node, preparation)
    record_functions(node, preparation)

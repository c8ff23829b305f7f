"""Relations of pyspark.ml as relations of Sail: stages become one function of batches in this process."""

import contextlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.connect import ml_attributes
from cauce.connect.map_order import sorted_input
from cauce.connect.ml_dataset import RelationDataset
from cauce.connect.ml_models import models_of
from cauce.connect.ml_sql import sql_transformer
from cauce.connect.ml_stages import stage_of
from cauce.connect.ml_values import from_params
from cauce.connect.plans import prepare
from cauce.connect.preparation import Preparation, replace
from cauce.engine.arrow_form import with_notes
from cauce.engine.functions import applied, function_of, map_applied
from cauce.errors import SparkError
from cauce.ml.cache import with_params
from cauce.ml.chain import Chain
from cauce.ml.frames import spark_schema
from cauce.ml.registry import TRANSFORMERS
from cauce.ml.stage import Transformed, Transformer
from cauce.session import Session

__all__ = ["append_stage", "rewrite"]

SQL_TRANSFORMER = "org.apache.spark.ml.feature.SQLTransformer"

SchemaOf = Callable[[Relation], StructType]


def rewrite(node: Relation, preparation: Preparation) -> None:
    """Replace the node, whose children Sail can run already."""
    if node.ml_relation.HasField("fetch"):
        replace(node, _frame(ml_attributes.fetch(node.ml_relation.fetch, preparation.session), preparation))
    else:
        append_stage(node, preparation.session, preparation.lease, preparation.session.engine.schema)


def append_stage(node: Relation, session: Session, lease: contextlib.ExitStack, schema_of: SchemaOf) -> None:
    """Make `stage.transform(input)` a function over the input, or part of the function the input is.

    The function stays callable until `lease` is closed, whatever happens to the client's model.
    """
    transform = node.ml_relation.transform
    if transform.transformer.name == SQL_TRANSFORMER:
        replace(node, sql_transformer(transform))
        return
    below, stage = transform.input, _stage(transform, session)
    replace(node, _after(below, stage, lease, schema_of, RelationDataset(below, session)))


def _after(
    below: Relation,
    stage: Transformer,
    lease: contextlib.ExitStack,
    schema_of: SchemaOf,
    rows: RelationDataset,
) -> Relation:
    chain = function_of(below)
    if isinstance(chain, Chain):
        below = below.map_partitions.input
    else:
        chain = Chain(schema_of(below))
    if stage.looks_at_rows(chain.output_schema):
        stage = stage.having_seen(rows)
    longer = chain.then(stage)
    key = lease.enter_context(applied(longer))
    return map_applied(sorted_input(below), key, longer.output_schema)


def _stage(transform: proto.MlRelation.Transform, session: Session) -> Transformer:
    if transform.HasField("obj_ref"):
        model = models_of(session).get(transform.obj_ref.id)
        return with_params(model, from_params(transform.params))
    return stage_of(transform.transformer, transform.params, TRANSFORMERS)


def _frame(value: Any, preparation: Preparation) -> Relation:
    """The DataFrame that an attribute is."""
    if isinstance(value, Transformed):
        return _transformed(value, preparation)
    if not isinstance(value, pa.Table):
        raise SparkError("CONNECT_ML.UNSUPPORTED_EXCEPTION", f"{type(value).__name__} is not a DataFrame")
    noted = with_notes(value, spark_schema(value.schema))
    return preparation.session.engine.leaf(noted, preparation.lease)


def _transformed(value: Transformed, preparation: Preparation) -> Relation:
    assert isinstance(value.dataset, RelationDataset), "rows come from a relation"
    below = Relation()
    below.CopyFrom(value.dataset.relation)
    prepare(below, preparation.session, preparation.lease, running=preparation.running)
    schema_of = preparation.session.engine.schema
    return _after(below, value.model, preparation.lease, schema_of, value.dataset)

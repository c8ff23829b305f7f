"""The commands of pyspark.ml, one function per message."""

from collections.abc import Callable
from typing import Any

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import MlCommandResult

from cauce.connect import ml_attributes
from cauce.connect.execution import Execution
from cauce.connect.ml_dataset import RelationDataset
from cauce.connect.ml_files import read, write
from cauce.connect.ml_models import models_of
from cauce.connect.ml_stages import stage_of
from cauce.connect.ml_values import to_literal
from cauce.errors import SparkError
from cauce.ml.registry import ESTIMATORS, EVALUATORS
from cauce.ml.stage import Model, has_attributes
from cauce.session import Session

__all__ = ["answer"]


def answer(message: proto.MlCommand, execution: Execution) -> MlCommandResult:
    """The result of one command."""
    kind = message.WhichOneof("command") or ""
    if kind not in HANDLERS:
        raise SparkError("CONNECT_ML.UNSUPPORTED_EXCEPTION", f"{kind or 'COMMAND_NOT_SET'} not supported")
    return HANDLERS[kind](getattr(message, kind), execution.session)


def fit(message: proto.MlCommand.Fit, session: Session) -> MlCommandResult:
    """`estimator.fit(df)`: the model stays here, the client gets its id."""
    estimator = stage_of(message.estimator, message.params, ESTIMATORS)
    dataset = RelationDataset(message.dataset, session)
    estimator.output_schema(dataset.schema)
    return _models([estimator.fit(dataset)], session)


def evaluate(message: proto.MlCommand.Evaluate, session: Session) -> MlCommandResult:
    """`evaluator.evaluate(df)`."""
    evaluator = stage_of(message.evaluator, message.params, EVALUATORS)
    metric = evaluator.evaluate(RelationDataset(message.dataset, session))
    return MlCommandResult(param=to_literal(float(metric)))


def fetch(message: proto.Fetch, session: Session) -> MlCommandResult:
    """An attribute of a model or summary: a value, or the id of another object."""
    value = ml_attributes.fetch(message, session)
    if isinstance(value, Model):
        return _models([value], session)
    if isinstance(value, list | tuple) and value and all(isinstance(item, Model) for item in value):
        return _models(value, session)
    if has_attributes(value):
        return MlCommandResult(summary=models_of(session).register(value))
    return MlCommandResult(param=to_literal(value))


def delete(message: proto.MlCommand.Delete, session: Session) -> MlCommandResult:
    """The client has let go of models, or wants them out of memory."""
    models = models_of(session)
    forget = models.evict if message.evict_only else models.remove
    # `id.summary` names a part of a model, which goes with it.
    ids = [ref.id for ref in message.obj_refs if "." not in ref.id]
    return _ids([key for key in ids if forget(key)])


def clean_cache(_: proto.MlCommand.CleanCache, session: Session) -> MlCommandResult:
    return MlCommandResult(param=proto.Expression.Literal(integer=models_of(session).clear()))


def get_cache_info(_: proto.MlCommand.GetCacheInfo, session: Session) -> MlCommandResult:
    return MlCommandResult(param=to_literal(models_of(session).info()))


def get_model_size(message: proto.MlCommand.GetModelSize, session: Session) -> MlCommandResult:
    size = models_of(session).size_bytes(message.model_ref.id)
    return MlCommandResult(param=proto.Expression.Literal(long=size))


def create_summary(message: proto.MlCommand.CreateSummary, session: Session) -> MlCommandResult:
    """A summary stays in memory when its model does not, so that there is nothing to make anew."""
    model = models_of(session).get(message.model_ref.id)
    if model.summary is None:
        raise SparkError("CONNECT_ML.MODEL_SUMMARY_LOST", objectName=message.model_ref.id)
    return MlCommandResult()


def _models(found: Any, session: Session) -> MlCommandResult:
    return _ids([models_of(session).register(model) for model in found])


def _ids(ids: list[str]) -> MlCommandResult:
    ref = proto.ObjectRef(id=",".join(ids))
    return MlCommandResult(operator_info=MlCommandResult.MlOperatorInfo(obj_ref=ref))


HANDLERS: dict[str, Callable[[Any, Session], MlCommandResult]] = {
    "fit": fit,
    "evaluate": evaluate,
    "fetch": fetch,
    "delete": delete,
    "clean_cache": clean_cache,
    "get_cache_info": get_cache_info,
    "get_model_size": get_model_size,
    "create_summary": create_summary,
    "read": read,
    "write": write,
}

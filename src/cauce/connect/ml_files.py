"""Saving and loading stages."""

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import MlCommandResult, MlOperator

from cauce.connect.ml_models import models_of
from cauce.connect.ml_stages import params_of
from cauce.connect.ml_values import from_params, to_params
from cauce.errors import SparkError
from cauce.files import open_file_system
from cauce.ml import persistence
from cauce.ml.cache import with_params
from cauce.ml.registry import ESTIMATORS, EVALUATORS, TRANSFORMERS
from cauce.session import Session

__all__ = ["read", "write"]

WRITABLE = {
    MlOperator.OPERATOR_TYPE_ESTIMATOR: ESTIMATORS,
    MlOperator.OPERATOR_TYPE_EVALUATOR: EVALUATORS,
    MlOperator.OPERATOR_TYPE_TRANSFORMER: TRANSFORMERS,
}


CLIENT_SIDE = (
    "org.apache.spark.ml.feature.SQLTransformer",
    "org.apache.spark.ml.clustering.PowerIterationClusteringWrapper",
)
"""What is saved like a transformer and is no stage here: a relation, and a function of the helper."""


def write(message: proto.MlCommand.Write, session: Session) -> MlCommandResult:
    """`stage.write().save(path)`."""
    files, path = open_file_system(message.path)
    if files.exists(path):
        if not message.should_overwrite:
            raise SparkError(
                None,
                f"Path {message.path} already exists. To overwrite it, please use "
                "write.overwrite().save(path) for Scala and use write().overwrite().save(path) for Java "
                "and Python.",
            )
        files.delete_tree(path)
    if message.HasField("obj_ref"):
        model = models_of(session).get(message.obj_ref.id)
        persistence.save_model(with_params(model, from_params(message.params)), files, path)
    else:
        _check_known(message.operator)
        persistence.save_params(params_of(message.operator, message.params), files, path)
    return MlCommandResult()


def read(message: proto.MlCommand.Read, session: Session) -> MlCommandResult:
    """`Stage.load(path)`: a model stays here, anything else is its parameters."""
    files, path = open_file_system(message.path)
    info = MlCommandResult.MlOperatorInfo()
    if message.operator.type == MlOperator.OPERATOR_TYPE_MODEL:
        model = persistence.load_model(files, path)
        info.obj_ref.id = models_of(session).register(model)
        params = model.params
    else:
        _check_known(message.operator)
        params = persistence.params_of(persistence.load_metadata(files, path))
        info.name = message.operator.name
    info.uid = params.uid
    info.params.CopyFrom(to_params(params.values))
    return MlCommandResult(operator_info=info)


def _check_known(operator: MlOperator) -> None:
    if operator.name not in WRITABLE.get(operator.type, {}) and operator.name not in CLIENT_SIDE:
        raise SparkError("CONNECT_ML.UNSUPPORTED_EXCEPTION", f"Operator {operator.name} is not supported")

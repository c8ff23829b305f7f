"""The stage a message names, alive."""

from collections.abc import Mapping
from typing import TypeVar

from pyspark.sql.connect.proto import MlOperator, MlParams

from cauce.connect.ml_values import from_params
from cauce.errors import SparkError
from cauce.ml.params import Params
from cauce.ml.stage import Stage

__all__ = ["params_of", "stage_of"]

S = TypeVar("S", bound=Stage)


def stage_of(operator: MlOperator, params: MlParams, registry: Mapping[str, type[S]]) -> S:
    """The estimator, transformer or evaluator, with its parameters."""
    if operator.name not in registry:
        raise SparkError(
            "CONNECT_ML.UNSUPPORTED_EXCEPTION", f"Unsupported ML operator, found {operator.name}"
        )
    return registry[operator.name](params_of(operator, params))


def params_of(operator: MlOperator, params: MlParams) -> Params:
    return Params(operator.name, operator.uid, from_params(params))

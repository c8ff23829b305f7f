"""What the client may ask of a model, a summary or Spark's helper object: a chain of method calls."""

from collections.abc import Sequence
from typing import Any

from pyspark.ml.util import ML_CONNECT_HELPER_ID
from pyspark.sql.connect.proto import Fetch

from cauce.connect.ml_dataset import RelationDataset
from cauce.connect.ml_helper import HELPER
from cauce.connect.ml_models import models_of
from cauce.connect.ml_values import from_value
from cauce.errors import SparkError
from cauce.ml.stage import Model
from cauce.session import Session

__all__ = ["fetch"]

HELPER_CLASS = "org.apache.spark.ml.util.ConnectHelper"


def fetch(message: Fetch, session: Session) -> Any:
    """The value at the end of the chain."""
    methods = list(message.methods)
    if message.obj_ref.id == ML_CONNECT_HELPER_ID:
        value = _call_helper(methods.pop(0), session)
    else:
        value = models_of(session).get(message.obj_ref.id)
    for method in methods:
        value = _call(value, method.method, _arguments(method, session))
    return value


def _call_helper(method: Fetch.Method, session: Session) -> Any:
    function = HELPER.get(method.method)
    if function is None:
        raise _not_allowed(method.method, HELPER_CLASS)
    return function(*_arguments(method, session))


def _call(value: Any, name: str, arguments: Sequence[Any]) -> Any:
    if isinstance(value, Model) and name in MODEL_ATTRIBUTES:
        return MODEL_ATTRIBUTES[name](value)
    found = getattr(type(value), name, None)
    if not getattr(found, "is_attribute", False):
        raise _not_allowed(name, getattr(value, "class_name", type(value).__name__))
    return getattr(value, name)(*arguments)


def _not_allowed(name: str, class_name: str) -> SparkError:
    return SparkError("CONNECT_ML.ATTRIBUTE_NOT_ALLOWED", attribute=name, className=class_name)


def _summary(model: Model) -> Any:
    if model.summary is None:
        raise SparkError(
            None, f"No training summary available for this {model.class_name.rpartition('.')[2]}"
        )
    return model.summary


MODEL_ATTRIBUTES = {
    "summary": _summary,
    "hasSummary": lambda model: model.summary is not None,
    "toString": str,
}


def _arguments(method: Fetch.Method, session: Session) -> list[Any]:
    return [
        RelationDataset(argument.input, session) if argument.HasField("input") else from_value(argument.param)
        for argument in method.args
    ]

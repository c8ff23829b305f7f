"""The parameters of one stage: what the program set, over the defaults of its pyspark.ml class."""

import functools
import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ["Params", "estimator_of"]


class Params:
    """Parameters by name: `params["maxIter"]` is the set value, else the default, else a KeyError.

    `class_name` is Spark's (org.apache.spark.ml.feature.Binarizer), of the estimator for a fitted model.
    """

    def __init__(self, class_name: str, uid: str, values: Mapping[str, Any] | None = None) -> None:
        self.class_name = class_name
        self.uid = uid
        self.values: dict[str, Any] = dict(values or {})

    def __getitem__(self, name: str) -> Any:
        return self.values[name] if name in self.values else self.defaults[name]

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self.defaults

    def get(self, name: str, otherwise: Any = None) -> Any:
        """The set value, else the default, else `otherwise`."""
        return self.values.get(name, self.defaults.get(name, otherwise))

    def is_set(self, name: str) -> bool:
        """Whether the program gave a value."""
        return name in self.values

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The defaults as the client's own class states them, so that they are written down once."""
        uid, defaults = _defaults(self.class_name)
        return {name: _for_stage(value, uid, self.uid) for name, value in defaults.items()}

    def updated(self, values: Mapping[str, Any]) -> "Params":
        """The same with some values replaced."""
        return Params(self.class_name, self.uid, {**self.values, **values})


ASKING = {"org.apache.spark.ml.feature.StopWordsRemover": {"caseSensitive": False, "locale": "en"}}
"""Defaults of stages whose constructors ask the server for some."""


@functools.cache
def _defaults(class_name: str) -> tuple[str, Mapping[str, Any]]:
    if class_name in ASKING:
        return class_name, {**ASKING[class_name], "outputCol": f"{class_name}__output"}
    python_name = class_name.replace("org.apache.spark", "pyspark", 1).removesuffix("Wrapper")
    module, _, name = python_name.rpartition(".")
    stage = getattr(importlib.import_module(module), name)()
    return stage.uid, {param.name: value for param, value in stage._defaultParamMap.items()}


def _for_stage(value: Any, uid: str, stage_uid: str) -> Any:
    """An output column is called after its stage unless the program names it."""
    return value.replace(uid, stage_uid) if isinstance(value, str) else value


def estimator_of(class_name: str) -> str:
    """The class whose parameters a fitted model has; any other class is its own."""
    module, _, name = class_name.rpartition(".")
    if not name.endswith("Model"):
        return class_name
    plain = name.removesuffix("Model").removeprefix("Local").removeprefix("Distributed")
    found = importlib.import_module(module.replace("org.apache.spark", "pyspark", 1))
    shorter = plain.replace("Classification", "Classifier").replace("Regression", "Regressor")
    return f"{module}.{plain if hasattr(found, plain) else shorter}"

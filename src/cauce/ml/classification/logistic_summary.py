"""The summary of a logistic regression: curves for two classes, measures by label for more."""

import copy
import uuid
from collections.abc import Sequence
from typing import Any

from cauce.ml.stage import Dataset, attribute
from cauce.ml.summary import BinarySummary, ClassificationSummary

__all__ = ["logistic_summary", "with_columns"]


class _WithProbability(ClassificationSummary):
    @attribute
    def probabilityCol(self) -> str:
        return self.model.params["probabilityCol"]


class _Binary(_WithProbability, BinarySummary):
    pass


def logistic_summary(model: Any, dataset: Dataset, history: Sequence[float] | None) -> ClassificationSummary:
    """Of the rows a model was fitted to (with the history of the objective), or of others."""
    kind = _Binary if model.numClasses() <= 2 else _WithProbability
    return kind(with_columns(model, "predictionCol", "probabilityCol"), dataset, history)


def with_columns(model: Any, *names: str) -> Any:
    """The model with these output columns, under a name of their own where the program wants none."""
    missing = {name: f"{name.removesuffix('Col')}_{uuid.uuid4()}" for name in names if not model.params[name]}
    if not missing:
        return model
    clone = copy.copy(model)
    clone.params = model.params.updated(missing)
    return clone

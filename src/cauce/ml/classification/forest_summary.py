"""The summary of a random forest: curves for two classes, measures by label for more."""

from typing import Any

from cauce.ml.classification.logistic_summary import with_columns
from cauce.ml.stage import Dataset
from cauce.ml.summary import BinarySummary, ClassificationSummary

__all__ = ["forest_summary"]


def forest_summary(model: Any, dataset: Dataset) -> ClassificationSummary:
    """Of the rows a model was fitted to, or of others."""
    kind = BinarySummary if model.numClasses() <= 2 else ClassificationSummary
    return kind(with_columns(model, "predictionCol", "probabilityCol"), dataset)

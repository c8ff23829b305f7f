"""GBTClassifier: boosted regression trees whose sum is half the log odds of class 1.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/classification/GBTClassifier.scala
"""

import numpy as np

from cauce.errors import SparkRuntimeException
from cauce.ml.instances import Features
from cauce.ml.predictions import ProbabilisticModel
from cauce.ml.regression.tree_ensemble import RegressionEnsembleModel
from cauce.ml.stage import Dataset, attribute
from cauce.ml.trees.predictor import BOOSTED, TREE, TreePredictor

__all__ = ["GBTClassificationModel", "GBTClassifier"]


class GBTClassificationModel(RegressionEnsembleModel, ProbabilisticModel):
    """The raw score of class 1 is the weighted sum of the trees, that of class 0 its negative."""

    class_name = "org.apache.spark.ml.classification.GBTClassificationModel"
    heading = "GBTClassificationModel: uid = "
    normalize_each = False
    class_count = 2

    @attribute
    def numClasses(self) -> int:
        return 2

    @attribute
    def evaluateEachIteration(self, dataset: Dataset) -> list[float]:
        """The mean loss with the first tree, the first two, ..."""
        from cauce.ml.trees.boosted import judged_by_round

        return judged_by_round(self, dataset, "logistic", to_signs)

    def raw(self, features: Features) -> np.ndarray:
        said = [
            weight * tree.predictions[:, np.newaxis]
            for tree, weight in zip(self.trees_grown, self.tree_weights, strict=True)
        ]
        margin = self.walker.sums(features, said)
        return np.concatenate([-margin, margin], axis=1)

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            first = 1.0 / (1.0 + np.exp(-2.0 * raw[:, :1]))
        return np.concatenate([first, 1.0 - first], axis=1)


class GBTClassifier(TreePredictor):
    """Boosts trees on two classes."""

    outputs = ("predictionCol", "rawPredictionCol", "probabilityCol")
    valid = {**TREE, **BOOSTED, "lossType": lambda value: value.lower() == "logistic"}

    def fit(self, dataset: Dataset) -> GBTClassificationModel:
        from cauce.ml.trees.boosted import fit_boosted

        boosted = fit_boosted(self.params, dataset, "class", to_signs)
        return GBTClassificationModel(self.params, *boosted)


def to_signs(labels: np.ndarray) -> np.ndarray:
    """Classes 0 and 1 as -1 and 1."""
    outside = labels[(labels != 0) & (labels != 1)]
    if len(outside):
        raise SparkRuntimeException(
            "USER_RAISED_EXCEPTION", errorMessage=f"Labels MUST be in {{0, 1}}, but got {float(outside[0])}"
        )
    return 2.0 * labels - 1.0

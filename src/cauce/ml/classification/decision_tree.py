"""DecisionTreeClassifier: one tree of classes.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/classification/DecisionTreeClassifier.scala
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import pyarrow as pa

from cauce.ml.instances import Features
from cauce.ml.params import Params
from cauce.ml.predictions import ProbabilisticModel
from cauce.ml.stage import Dataset, attribute
from cauce.ml.trees.models import TreeModel
from cauce.ml.trees.predictor import CLASSES, TREE, TreePredictor
from cauce.ml.trees.saved import tree_of
from cauce.ml.trees.tree import Tree

__all__ = ["DecisionTreeClassificationModel", "DecisionTreeClassifier", "shares"]


class DecisionTreeClassificationModel(TreeModel, ProbabilisticModel):
    """One tree; the raw score of a class is the weight of its training rows in the leaf."""

    class_name = "org.apache.spark.ml.classification.DecisionTreeClassificationModel"
    heading = "DecisionTreeClassificationModel: uid="

    def __init__(self, params: Params, tree: Tree, *, feature_count: int, class_count: int) -> None:
        super().__init__(params, [tree], feature_count)
        self.class_count = class_count

    @attribute
    def numClasses(self) -> int:
        return self.class_count

    def raw(self, features: Features) -> np.ndarray:
        return self.walker.sums(features, [self.tree.stats])

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        return shares(raw)

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(
            params,
            tree_of(data, is_regression=False),
            feature_count=metadata["numFeatures"],
            class_count=metadata["numClasses"],
        )


class DecisionTreeClassifier(TreePredictor):
    """Grows one tree on all rows and features."""

    outputs = ("predictionCol", "rawPredictionCol", "probabilityCol")
    valid = {**TREE, **CLASSES}

    def fit(self, dataset: Dataset) -> DecisionTreeClassificationModel:
        from cauce.ml.trees.forest import Draws, grow_forest
        from cauce.ml.trees.training import THREADS, class_count, growing_of, read_training

        params = self.params
        training = read_training(dataset, params, label="class")
        classes = class_count(training, dataset.schema[params["labelCol"]])
        growing = growing_of(params, training, class_count=classes, impurity=params["impurity"])
        draws = Draws(params["seed"], 1.0, is_bootstrap=False, features_per_node=training.feature_count)
        with ThreadPoolExecutor(THREADS) as threads:
            binning = training.binning(params, classes)
            rows = training.rows(binning, threads, labels=training.labels.astype(np.int32))
            (tree,) = grow_forest(rows, binning, growing, draws, 1, threads)
        return DecisionTreeClassificationModel(
            params, tree, feature_count=training.feature_count, class_count=classes
        )


def shares(scores: np.ndarray) -> np.ndarray:
    """Each row divided by its sum; a row of zeros stays."""
    sums = scores.sum(axis=1, keepdims=True)
    return np.divide(scores, sums, out=np.zeros_like(scores), where=sums != 0)

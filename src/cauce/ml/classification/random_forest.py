"""RandomForestClassifier: many trees that vote with the shares of their leaves.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/classification/RandomForestClassifier.scala
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import pyarrow as pa

from cauce.ml.classification.decision_tree import DecisionTreeClassificationModel, shares
from cauce.ml.classification.forest_summary import forest_summary
from cauce.ml.instances import Features
from cauce.ml.params import Params
from cauce.ml.predictions import ProbabilisticModel
from cauce.ml.stage import Dataset, attribute
from cauce.ml.trees.models import EnsembleModel, member_params, tree_uids
from cauce.ml.trees.predictor import CLASSES, FOREST, TREE, TreePredictor
from cauce.ml.trees.saved import ensemble_trees
from cauce.ml.trees.tree import Tree

__all__ = ["RandomForestClassificationModel", "RandomForestClassifier"]

MEMBER = "org.apache.spark.ml.classification.DecisionTreeClassifier"


class RandomForestClassificationModel(EnsembleModel, ProbabilisticModel):
    """The raw score of a class is the sum of its shares in the leaves."""

    class_name = "org.apache.spark.ml.classification.RandomForestClassificationModel"
    heading = "RandomForestClassificationModel: uid="

    def __init__(
        self,
        params: Params,
        trees: Sequence[Tree],
        *,
        feature_count: int,
        class_count: int,
        uids: Sequence[str],
    ) -> None:
        super().__init__(params, trees, [1.0] * len(trees), feature_count, uids)
        self.class_count = class_count

    @attribute
    def numClasses(self) -> int:
        return self.class_count

    @attribute
    def evaluate(self, dataset: Dataset) -> Any:
        """A summary of other rows."""
        return forest_summary(self, dataset)

    def member(self, tree: Tree, uid: str) -> DecisionTreeClassificationModel:
        return DecisionTreeClassificationModel(
            member_params(self.params, MEMBER, uid),
            tree,
            feature_count=self.feature_count,
            class_count=self.class_count,
        )

    def raw(self, features: Features) -> np.ndarray:
        return self.walker.sums(features, [shares(tree.stats) for tree in self.trees_grown])

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        return shares(raw)

    @classmethod
    def from_tables(cls, params: Params, metadata: dict[str, Any], tables: dict[str, pa.Table]) -> Self:
        trees, uids, _ = ensemble_trees(tables, is_regression=False)
        sizes = {"feature_count": metadata["numFeatures"], "class_count": metadata["numClasses"]}
        return cls(params, trees, **sizes, uids=uids)


class RandomForestClassifier(TreePredictor):
    """Grows trees on draws of the rows and, at every node, of the features."""

    outputs = ("predictionCol", "rawPredictionCol", "probabilityCol")
    valid = {**TREE, **CLASSES, **FOREST}

    def fit(self, dataset: Dataset) -> RandomForestClassificationModel:
        from cauce.ml.trees.forest import grow_forest
        from cauce.ml.trees.training import THREADS, class_count, draws_of, growing_of, read_training

        params, count = self.params, self.params["numTrees"]
        training = read_training(dataset, params, label="class")
        classes = class_count(training, dataset.schema[params["labelCol"]])
        growing = growing_of(params, training, class_count=classes, impurity=params["impurity"])
        draws = draws_of(params, training, tree_count=count, is_classifier=True)
        with ThreadPoolExecutor(THREADS) as threads:
            binning = training.binning(params, classes)
            rows = training.rows(binning, threads, labels=training.labels.astype(np.int32))
            trees = grow_forest(rows, binning, growing, draws, count, threads)
        model = RandomForestClassificationModel(
            params,
            trees,
            feature_count=training.feature_count,
            class_count=classes,
            uids=tree_uids("dtc", count),
        )
        model.summary = forest_summary(model, dataset)
        return model

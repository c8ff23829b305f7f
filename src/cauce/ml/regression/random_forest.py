"""RandomForestRegressor: the mean of many trees.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/regression/RandomForestRegressor.scala
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cauce.ml.instances import Features
from cauce.ml.regression.tree_ensemble import RegressionEnsembleModel
from cauce.ml.stage import Dataset
from cauce.ml.trees.models import tree_uids
from cauce.ml.trees.predictor import FOREST, NUMBERS, TREE, TreePredictor

__all__ = ["RandomForestRegressionModel", "RandomForestRegressor"]


class RandomForestRegressionModel(RegressionEnsembleModel):
    """Predicts the mean of its trees' predictions."""

    class_name = "org.apache.spark.ml.regression.RandomForestRegressionModel"
    heading = "RandomForestRegressionModel: uid="

    def predictions(self, features: Features) -> np.ndarray:
        said = [tree.predictions[:, np.newaxis] for tree in self.trees_grown]
        return self.walker.sums(features, said)[:, 0] / len(self.trees_grown)


class RandomForestRegressor(TreePredictor):
    """Grows trees on draws of the rows and, at every node, of the features."""

    valid = {**TREE, **NUMBERS, **FOREST}

    def fit(self, dataset: Dataset) -> RandomForestRegressionModel:
        from cauce.ml.trees.forest import grow_forest
        from cauce.ml.trees.training import THREADS, draws_of, growing_of, read_training

        params, count = self.params, self.params["numTrees"]
        training = read_training(dataset, params, label="number")
        growing = growing_of(params, training, class_count=0, impurity="variance")
        draws = draws_of(params, training, tree_count=count, is_classifier=False)
        with ThreadPoolExecutor(THREADS) as threads:
            binning = training.binning(params, 0)
            rows = training.rows(binning, threads, labels=training.labels)
            trees = grow_forest(rows, binning, growing, draws, count, threads)
        ones = [1.0] * count
        return RandomForestRegressionModel(
            params, trees, ones, training.feature_count, tree_uids("dtr", count)
        )

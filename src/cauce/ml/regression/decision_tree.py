"""DecisionTreeRegressor: one tree of mean labels.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/regression/DecisionTreeRegressor.scala
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.ml.columns import appended, require, with_fields
from cauce.ml.instances import Features
from cauce.ml.params import Params
from cauce.ml.stage import Dataset
from cauce.ml.trees.models import TreeModel
from cauce.ml.trees.predictor import TreePredictor
from cauce.ml.trees.saved import tree_of
from cauce.ml.trees.tree import Tree

__all__ = ["DecisionTreeRegressionModel", "DecisionTreeRegressor"]

NOTHING_KNOWN = {"ml_attr": {}}


class DecisionTreeRegressionModel(TreeModel):
    """One tree; it predicts the mean label of the leaf, and its variance if asked."""

    class_name = "org.apache.spark.ml.regression.DecisionTreeRegressionModel"
    heading = "DecisionTreeRegressionModel: uid="

    def __init__(self, params: Params, tree: Tree, *, feature_count: int) -> None:
        super().__init__(params, [tree], feature_count)

    def predictions(self, features: Features) -> np.ndarray:
        return self.walker.sums(features, [self.tree.predictions[:, np.newaxis]])[:, 0]

    def variances(self, features: Features) -> np.ndarray:
        """(rows,) the variance of the labels in the leaf."""
        from cauce.ml.trees.splitting import VARIANCE, impurities

        counted = np.concatenate([self.tree.stats, self.tree.row_counts[:, np.newaxis]], axis=1)
        return self.walker.sums(features, [impurities(counted, VARIANCE)[:, np.newaxis]])[:, 0]

    def output_schema(self, schema: StructType) -> StructType:
        found = super().output_schema(schema)
        name = self.params.get("varianceCol")
        if not name:
            return found
        require(name not in found.names, f"Column {name} already exists.")
        return with_fields(found, StructField(name, DoubleType(), False, NOTHING_KNOWN))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        found = super().transform(batch, schema)
        name = self.params.get("varianceCol")
        if not name:
            return found
        return appended(found, {name: pa.array(self.variances(self.features(batch, schema)))})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, tree_of(data, is_regression=True), feature_count=metadata["numFeatures"])


class DecisionTreeRegressor(TreePredictor):
    """Grows one tree on all rows and features."""

    def fit(self, dataset: Dataset) -> DecisionTreeRegressionModel:
        from cauce.ml.trees.forest import Draws, grow_forest
        from cauce.ml.trees.training import THREADS, growing_of, read_training

        params = self.params
        training = read_training(dataset, params, label="number")
        growing = growing_of(params, training, class_count=0, impurity="variance")
        draws = Draws(params["seed"], 1.0, is_bootstrap=False, features_per_node=training.feature_count)
        with ThreadPoolExecutor(THREADS) as threads:
            binning = training.binning(params, 0)
            rows = training.rows(binning, threads, labels=training.labels)
            (tree,) = grow_forest(rows, binning, growing, draws, 1, threads)
        return DecisionTreeRegressionModel(params, tree, feature_count=training.feature_count)

"""GBTRegressor: boosted regression trees.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/regression/GBTRegressor.scala
"""

import numpy as np
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.ml.columns import with_fields
from cauce.ml.instances import Features
from cauce.ml.regression.tree_ensemble import RegressionEnsembleModel
from cauce.ml.stage import Dataset, attribute
from cauce.ml.trees.predictor import BOOSTED, TREE, TreePredictor

__all__ = ["GBTRegressionModel", "GBTRegressor"]


class GBTRegressionModel(RegressionEnsembleModel):
    """Predicts the weighted sum of its trees' predictions."""

    class_name = "org.apache.spark.ml.regression.GBTRegressionModel"
    heading = "GBTRegressionModel: uid="
    normalize_each = False

    @attribute
    def evaluateEachIteration(self, dataset: Dataset, loss: str) -> list[float]:
        """The mean loss with the first tree, the first two, ..."""
        from cauce.ml.trees.boosted import judged_by_round

        return judged_by_round(self, dataset, loss.lower(), _as_they_are)

    def described(self, schema: StructType) -> StructType:
        """Spark gives the predictions the metadata of the features."""
        name, features = self.params["predictionCol"], schema[self.params["featuresCol"]]
        if not name:
            return schema
        return with_fields(schema, StructField(name, DoubleType(), False, features.metadata))

    def predictions(self, features: Features) -> np.ndarray:
        said = [
            weight * tree.predictions[:, np.newaxis]
            for tree, weight in zip(self.trees_grown, self.tree_weights, strict=True)
        ]
        return self.walker.sums(features, said)[:, 0]


class GBTRegressor(TreePredictor):
    """Boosts trees on numbers."""

    valid = {**TREE, **BOOSTED, "lossType": lambda value: value.lower() in ("squared", "absolute")}

    def fit(self, dataset: Dataset) -> GBTRegressionModel:
        from cauce.ml.trees.boosted import fit_boosted

        return GBTRegressionModel(self.params, *fit_boosted(self.params, dataset, "number", _as_they_are))


def _as_they_are(labels: np.ndarray) -> np.ndarray:
    return labels

"""pyspark.ml.classification: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.classification.logistic_model import LogisticRegressionModel
from cauce.ml.classification.logistic_regression import LogisticRegression
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

ESTIMATORS: dict[str, type[Estimator]] = {
    "org.apache.spark.ml.classification.LogisticRegression": LogisticRegression,
}
MODELS: tuple[type[Model], ...] = (LogisticRegressionModel,)

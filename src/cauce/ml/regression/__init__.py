"""pyspark.ml.regression: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.regression.linear_regression import LinearRegression, LinearRegressionModel
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

ESTIMATORS: dict[str, type[Estimator]] = {
    "org.apache.spark.ml.regression.LinearRegression": LinearRegression,
}
MODELS: tuple[type[Model], ...] = (LinearRegressionModel,)

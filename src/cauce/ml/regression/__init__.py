"""pyspark.ml.regression: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.regression.decision_tree import DecisionTreeRegressionModel, DecisionTreeRegressor
from cauce.ml.regression.gradient_boosting import GBTRegressionModel, GBTRegressor
from cauce.ml.regression.linear_regression import LinearRegression, LinearRegressionModel
from cauce.ml.regression.random_forest import RandomForestRegressionModel, RandomForestRegressor
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

PACKAGE = "org.apache.spark.ml.regression"
ESTIMATORS: dict[str, type[Estimator]] = {
    f"{PACKAGE}.DecisionTreeRegressor": DecisionTreeRegressor,
    f"{PACKAGE}.GBTRegressor": GBTRegressor,
    f"{PACKAGE}.RandomForestRegressor": RandomForestRegressor,
    "org.apache.spark.ml.regression.LinearRegression": LinearRegression,
}
MODELS: tuple[type[Model], ...] = (
    DecisionTreeRegressionModel,
    GBTRegressionModel,
    RandomForestRegressionModel,
    LinearRegressionModel,
)

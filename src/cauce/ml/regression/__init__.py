"""pyspark.ml.regression: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.regression.aft_survival_regression import AFTSurvivalRegression, AFTSurvivalRegressionModel
from cauce.ml.regression.decision_tree import DecisionTreeRegressionModel, DecisionTreeRegressor
from cauce.ml.regression.fm_regressor import FMRegressionModel, FMRegressor
from cauce.ml.regression.generalized_linear_regression import (
    GeneralizedLinearRegression,
    GeneralizedLinearRegressionModel,
)
from cauce.ml.regression.gradient_boosting import GBTRegressionModel, GBTRegressor
from cauce.ml.regression.isotonic_regression import IsotonicRegression, IsotonicRegressionModel
from cauce.ml.regression.linear_regression import LinearRegression, LinearRegressionModel
from cauce.ml.regression.random_forest import RandomForestRegressionModel, RandomForestRegressor
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

ESTIMATORS: dict[str, type[Estimator]] = {
    f"org.apache.spark.ml.regression.{kind.__name__}": kind
    for kind in (
        AFTSurvivalRegression,
        DecisionTreeRegressor,
        FMRegressor,
        GBTRegressor,
        GeneralizedLinearRegression,
        IsotonicRegression,
        LinearRegression,
        RandomForestRegressor,
    )
}
MODELS: tuple[type[Model], ...] = (
    AFTSurvivalRegressionModel,
    DecisionTreeRegressionModel,
    FMRegressionModel,
    GBTRegressionModel,
    GeneralizedLinearRegressionModel,
    IsotonicRegressionModel,
    LinearRegressionModel,
    RandomForestRegressionModel,
)

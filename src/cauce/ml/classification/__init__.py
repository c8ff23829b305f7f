"""pyspark.ml.classification: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.classification.decision_tree import DecisionTreeClassificationModel, DecisionTreeClassifier
from cauce.ml.classification.gradient_boosting import GBTClassificationModel, GBTClassifier
from cauce.ml.classification.logistic_model import LogisticRegressionModel
from cauce.ml.classification.logistic_regression import LogisticRegression
from cauce.ml.classification.random_forest import RandomForestClassificationModel, RandomForestClassifier
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

PACKAGE = "org.apache.spark.ml.classification"
ESTIMATORS: dict[str, type[Estimator]] = {
    f"{PACKAGE}.DecisionTreeClassifier": DecisionTreeClassifier,
    f"{PACKAGE}.GBTClassifier": GBTClassifier,
    f"{PACKAGE}.RandomForestClassifier": RandomForestClassifier,
    "org.apache.spark.ml.classification.LogisticRegression": LogisticRegression,
}
MODELS: tuple[type[Model], ...] = (
    DecisionTreeClassificationModel,
    GBTClassificationModel,
    RandomForestClassificationModel,
    LogisticRegressionModel,
)

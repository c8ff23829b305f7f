"""pyspark.ml.classification: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.classification.decision_tree import DecisionTreeClassificationModel, DecisionTreeClassifier
from cauce.ml.classification.fm_classifier import FMClassificationModel, FMClassifier
from cauce.ml.classification.gradient_boosting import GBTClassificationModel, GBTClassifier
from cauce.ml.classification.linear_svc import LinearSVC, LinearSVCModel
from cauce.ml.classification.logistic_model import LogisticRegressionModel
from cauce.ml.classification.logistic_regression import LogisticRegression
from cauce.ml.classification.multilayer_perceptron import (
    MultilayerPerceptronClassificationModel,
    MultilayerPerceptronClassifier,
)
from cauce.ml.classification.naive_bayes import NaiveBayes, NaiveBayesModel
from cauce.ml.classification.random_forest import RandomForestClassificationModel, RandomForestClassifier
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

ESTIMATORS: dict[str, type[Estimator]] = {
    f"org.apache.spark.ml.classification.{kind.__name__}": kind
    for kind in (
        DecisionTreeClassifier,
        FMClassifier,
        GBTClassifier,
        LinearSVC,
        LogisticRegression,
        MultilayerPerceptronClassifier,
        NaiveBayes,
        RandomForestClassifier,
    )
}
MODELS: tuple[type[Model], ...] = (
    DecisionTreeClassificationModel,
    FMClassificationModel,
    GBTClassificationModel,
    LinearSVCModel,
    LogisticRegressionModel,
    MultilayerPerceptronClassificationModel,
    NaiveBayesModel,
    RandomForestClassificationModel,
)

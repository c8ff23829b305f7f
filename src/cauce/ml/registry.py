"""Every stage by Spark's class name; one dict each in the families' packages."""

from cauce.ml import classification, clustering, evaluation, feature, fpm, recommendation, regression
from cauce.ml.stage import Estimator, Evaluator, Model, Transformer

__all__ = ["ESTIMATORS", "EVALUATORS", "MODELS", "TRANSFORMERS"]

ESTIMATORS: dict[str, type[Estimator]] = {
    **feature.ESTIMATORS,
    **classification.ESTIMATORS,
    **regression.ESTIMATORS,
    **clustering.ESTIMATORS,
    **recommendation.ESTIMATORS,
    **fpm.ESTIMATORS,
}
MODELS: dict[str, type[Model]] = {
    model.class_name: model
    for family in (feature, classification, regression, clustering, recommendation, fpm)
    for model in family.MODELS
}
TRANSFORMERS: dict[str, type[Transformer]] = dict(feature.TRANSFORMERS)
EVALUATORS: dict[str, type[Evaluator]] = dict(evaluation.EVALUATORS)

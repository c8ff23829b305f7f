"""MulticlassClassificationEvaluator: accuracy, F-measure and more, of one label or all."""

from collections.abc import Callable

import numpy as np
from pyspark.sql.types import DoubleType

from cauce.ml.columns import doubles
from cauce.ml.evaluation.inputs import check_numeric, check_one_of, pieces, weight_name
from cauce.ml.evaluation.multiclass_metrics import MulticlassMetrics
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Evaluator
from cauce.ml.vectors import as_dense

__all__ = ["MulticlassClassificationEvaluator"]

METRICS: dict[str, Callable[[MulticlassMetrics, Params], float]] = {
    "f1": lambda m, p: m.weighted(m.f_measure()),
    "accuracy": lambda m, p: m.accuracy(),
    "weightedPrecision": lambda m, p: m.weighted(m.precision()),
    "weightedRecall": lambda m, p: m.weighted(m.recall()),
    "weightedTruePositiveRate": lambda m, p: m.weighted(m.recall()),
    "weightedFalsePositiveRate": lambda m, p: m.weighted(m.false_positive_rate()),
    "weightedFMeasure": lambda m, p: m.weighted(m.f_measure(p["beta"])),
    "truePositiveRateByLabel": lambda m, p: m.of_label(m.recall(), p["metricLabel"]),
    "falsePositiveRateByLabel": lambda m, p: m.of_label(m.false_positive_rate(), p["metricLabel"]),
    "precisionByLabel": lambda m, p: m.of_label(m.precision(), p["metricLabel"]),
    "recallByLabel": lambda m, p: m.of_label(m.recall(), p["metricLabel"]),
    "fMeasureByLabel": lambda m, p: m.of_label(m.f_measure(p["beta"]), p["metricLabel"]),
    "hammingLoss": lambda m, p: m.hamming_loss(),
}
LEAST_PROBABILITY = 1e-15


class MulticlassClassificationEvaluator(Evaluator):
    """Judges predicted classes; `logLoss` judges probabilities."""

    def evaluate(self, dataset: Dataset) -> float:
        params, schema = self.params, dataset.schema
        prediction, label = params["predictionCol"], params["labelCol"]
        check_one_of(schema, prediction, DoubleType())
        check_numeric(schema, label)
        weight = weight_name(params, schema)
        if params["metricName"] == "logLoss":
            return _log_loss(dataset, params["probabilityCol"], label, weight)
        metrics = MulticlassMetrics.of(
            (doubles(found), doubles(labels), weights)
            for (found, labels), weights in pieces(dataset, [prediction, label], weight)
        )
        return METRICS[params["metricName"]](metrics, params)


def _log_loss(dataset: Dataset, probability: str, label: str, weight: str | None) -> float:
    loss = total = 0.0
    for (column, labels), weights in pieces(dataset, [probability, label], weight):
        chances = as_dense(column)
        own = chances[np.arange(len(chances)), doubles(labels).astype(np.int64)]
        loss -= float(weights @ np.log(np.clip(own, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)))
        total += float(weights.sum())
    return loss / total

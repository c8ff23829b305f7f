"""BinaryClassificationEvaluator: the area under the ROC or precision-recall curve."""

import numpy as np
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import DoubleType

from cauce.ml.columns import doubles, field_of
from cauce.ml.evaluation.binary_metrics import BinaryMetrics
from cauce.ml.evaluation.inputs import check_numeric, check_one_of, pieces, weight_name
from cauce.ml.stage import Dataset, Evaluator
from cauce.ml.vectors import as_dense

__all__ = ["BinaryClassificationEvaluator"]


class BinaryClassificationEvaluator(Evaluator):
    """Scores are numbers, or the second element of vectors."""

    def evaluate(self, dataset: Dataset) -> float:
        params, schema = self.params, dataset.schema
        score, label = params["rawPredictionCol"], params["labelCol"]
        check_one_of(schema, score, DoubleType(), VectorUDT())
        check_numeric(schema, label)
        weight = weight_name(params, schema)
        is_vector = isinstance(field_of(schema, score).dataType, VectorUDT)
        parts = [
            (as_dense(column)[:, 1] if is_vector else doubles(column), doubles(labels), weights)
            for (column, labels), weights in pieces(dataset, [score, label], weight)
        ]
        scores, labels, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
        metrics = BinaryMetrics.of(scores, labels, weights, params["numBins"])
        is_roc = params["metricName"] == "areaUnderROC"
        return metrics.area_under_roc() if is_roc else metrics.area_under_pr()

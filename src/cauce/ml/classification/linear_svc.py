"""LinearSVC: two classes apart by the hinge loss.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/classification/LinearSVC.scala
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector, Vectors

from cauce.ml.classification.logistic_regression import class_count
from cauce.ml.classification.logistic_summary import with_columns
from cauce.ml.columns import require
from cauce.ml.instances import Features, Instances
from cauce.ml.label_moments import Moments, class_weights, moments_of
from cauce.ml.losses import Scale, hinge, penalised
from cauce.ml.params import Params
from cauce.ml.predictions import ClassificationModel, Predictor
from cauce.ml.quasi_newton import minimize_with_lasso
from cauce.ml.saved_rows import one_row, row_of
from cauce.ml.stage import Dataset, attribute
from cauce.ml.summary import BinarySummary
from cauce.ml.valid_values import LIMITS

__all__ = ["LinearSVC", "LinearSVCModel"]


class LinearSVCModel(ClassificationModel):
    """The second class is where the margin is above the threshold."""

    class_name = "org.apache.spark.ml.classification.LinearSVCModel"

    def __init__(self, params: Params, coefficients: Vector, intercept: float) -> None:
        super().__init__(params)
        self.vector = coefficients
        self.offset = intercept
        self.weights = np.asarray(coefficients.toArray())

    @attribute
    def numFeatures(self) -> int:
        return len(self.weights)

    @attribute
    def numClasses(self) -> int:
        return 2

    @attribute
    def coefficients(self) -> Vector:
        return self.vector

    @attribute
    def intercept(self) -> float:
        return self.offset

    @attribute
    def evaluate(self, dataset: Dataset) -> BinarySummary:
        """A summary of other rows."""
        return BinarySummary(with_columns(self, "rawPredictionCol", "predictionCol"), dataset)

    def raw(self, features: Features) -> np.ndarray:
        margins = features @ self.weights + self.offset
        return np.column_stack([-margins, margins])

    def raw_to_prediction(self, raw: np.ndarray) -> np.ndarray:
        return (raw[:, 1] > self.params["threshold"]).astype(np.float64)

    def data(self) -> pa.Table:
        return one_row({"coefficients": self.vector, "intercept": self.offset})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(params, row["coefficients"], row["intercept"])


class LinearSVC(Predictor):
    """Minimises the hinge loss on standardised features."""

    valid = LIMITS

    outputs = ("predictionCol", "rawPredictionCol")

    def fit(self, dataset: Dataset) -> LinearSVCModel:
        params = self.params
        blocks = Instances(dataset, params, label="class")
        moments, weights = moments_of(blocks), class_weights(blocks)
        classes = class_count(dataset.schema, params["labelCol"], len(weights))
        require(
            classes == 2,
            f"LinearSVC only supports binary classification. {classes} classes detected in "
            f"{params.uid}__labelCol",
        )
        scale, intercept = Scale.of(moments), params["fitIntercept"]
        strengths = np.append(self._strengths(moments), np.zeros(int(intercept)))
        loss = penalised(hinge(blocks, scale, intercept=intercept), strengths)
        start = np.zeros(len(strengths))
        found = minimize_with_lasso(loss, start, start, params["maxIter"], params["tol"])
        standard = found.x[: len(scale.mean)]
        offset = float(found.x[-1] - standard @ scale.mean) if intercept else 0.0
        model = LinearSVCModel(params, Vectors.dense(standard * scale.inverse_deviation), offset)
        judged = with_columns(model, "rawPredictionCol", "predictionCol")
        model.summary = BinarySummary(judged, dataset, found.history)
        return model

    def _strengths(self, moments: Moments) -> np.ndarray:
        strength, deviation = self.params["regParam"], moments.deviation
        if self.params["standardization"]:
            return np.full(len(deviation), strength)
        return np.divide(strength, deviation**2, out=np.zeros_like(deviation), where=deviation != 0)

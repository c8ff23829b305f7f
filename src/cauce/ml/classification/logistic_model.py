"""What LogisticRegression learned."""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Matrix, SparseMatrix, Vector, Vectors
from scipy.special import expit, softmax

from cauce.errors import SparkError
from cauce.ml.classification.logistic_summary import logistic_summary
from cauce.ml.instances import Features
from cauce.ml.params import Params
from cauce.ml.predictions import ProbabilisticModel
from cauce.ml.saved_rows import one_row, row_of
from cauce.ml.stage import Dataset, attribute

__all__ = ["LogisticRegressionModel"]


class LogisticRegressionModel(ProbabilisticModel):
    """A row of coefficients for every class, or one row alone for the second of two."""

    class_name = "org.apache.spark.ml.classification.LogisticRegressionModel"

    def __init__(
        self, params: Params, coefficients: Matrix, intercepts: Vector, *, classes: int, is_multinomial: bool
    ) -> None:
        super().__init__(params)
        self.matrix = coefficients
        self.vector = intercepts
        self.classes = classes
        self.is_multinomial = is_multinomial
        self.weights = np.asarray(coefficients.toArray())
        self.offsets = np.asarray(intercepts.toArray())

    @attribute
    def numFeatures(self) -> int:
        return self.matrix.numCols

    @attribute
    def numClasses(self) -> int:
        return self.classes

    @attribute
    def coefficientMatrix(self) -> Matrix:
        """(1 or classes, features)"""
        return self.matrix

    @attribute
    def interceptVector(self) -> Vector:
        """(1 or classes,)"""
        return self.vector

    @attribute
    def coefficients(self) -> Vector:
        """Of a binomial model."""
        if self.is_multinomial:
            raise SparkError(
                None, "Multinomial models contain a matrix of coefficients, use coefficientMatrix instead."
            )
        if isinstance(self.matrix, SparseMatrix):
            return Vectors.sparse(self.matrix.numCols, self.matrix.rowIndices, self.matrix.values)
        return Vectors.dense(self.weights[0])

    @attribute
    def intercept(self) -> float:
        """Of a binomial model."""
        if self.is_multinomial:
            raise SparkError(
                None, "Multinomial models contain a vector of intercepts, use interceptVector instead."
            )
        return float(self.offsets[0])

    @attribute
    def evaluate(self, dataset: Dataset) -> Any:
        """A summary of other rows."""
        return logistic_summary(self, dataset, None)

    def raw(self, features: Features) -> np.ndarray:
        margins = features @ self.weights.T + self.offsets
        return margins if self.is_multinomial else np.concatenate([-margins, margins], axis=1)

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        if not self.is_multinomial:
            first = expit(raw[:, :1])
            return np.concatenate([first, 1.0 - first], axis=1)
        with np.errstate(invalid="ignore"):
            found = softmax(raw, axis=1)
        endless = np.isinf(raw) & (raw > 0)
        return np.where(endless.any(axis=1, keepdims=True), endless.astype(np.float64), found)

    def raw_to_prediction(self, raw: np.ndarray) -> np.ndarray:
        if self.is_multinomial:
            return super().raw_to_prediction(raw)
        threshold = self.threshold()
        with np.errstate(divide="ignore"):
            margin = np.log(threshold / (1.0 - threshold)) if 0.0 < threshold < 1.0 else threshold
        least = -np.inf if threshold == 0.0 else np.inf if threshold == 1.0 else margin
        return (raw[:, 1] > least).astype(np.float64)

    def threshold(self) -> float:
        """The least probability of the second class for it to be predicted."""
        pair = self.params.get("thresholds")
        return 1.0 / (1.0 + pair[0] / pair[1]) if pair else self.params["threshold"]

    def data(self) -> pa.Table:
        return one_row(
            {
                "numClasses": self.classes,
                "numFeatures": self.matrix.numCols,
                "interceptVector": self.vector,
                "coefficientMatrix": self.matrix,
                "isMultinomial": self.is_multinomial,
            }
        )

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(
            params,
            row["coefficientMatrix"],
            row["interceptVector"],
            classes=row["numClasses"],
            is_multinomial=row["isMultinomial"],
        )

"""NaiveBayes: multinomial, complement, Bernoulli and Gaussian, from sums by class in one pass.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/classification/NaiveBayes.scala
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import DenseMatrix, Matrix, Vector
from scipy.special import logsumexp, softmax

from cauce.errors import SparkRuntimeException
from cauce.ml.instances import Features, Instances, features_text
from cauce.ml.params import Params
from cauce.ml.predictions import Predictor, ProbabilisticModel
from cauce.ml.saved_rows import compressed_matrix, compressed_vector, one_row, row_of
from cauce.ml.stage import Dataset, attribute
from cauce.ml.valid_values import at_least, one_of

__all__ = ["NaiveBayes", "NaiveBayesModel"]


class NaiveBayesModel(ProbabilisticModel):
    """Logarithms of priors and conditional probabilities; means and variances if Gaussian."""

    class_name = "org.apache.spark.ml.classification.NaiveBayesModel"

    def __init__(self, params: Params, pi: Vector, theta: Matrix, sigma: Matrix) -> None:
        super().__init__(params)
        self.vector, self.matrix, self.variances = pi, theta, sigma
        self.priors = np.asarray(pi.toArray())
        self.weights = np.asarray(theta.toArray())

    @attribute
    def numFeatures(self) -> int:
        return self.weights.shape[1]

    @attribute
    def numClasses(self) -> int:
        return len(self.priors)

    @attribute
    def pi(self) -> Vector:
        return self.vector

    @attribute
    def theta(self) -> Matrix:
        return self.matrix

    @attribute
    def sigma(self) -> Matrix:
        return self.variances

    def raw(self, features: Features) -> np.ndarray:
        kind = self.params["modelType"]
        if kind == "gaussian":
            return self._gaussian(_as_matrix(features))
        if kind == "bernoulli":
            without = np.log1p(-np.exp(self.weights))
            return features @ (self.weights - without).T + (self.priors + without.sum(axis=1))
        scores = features @ self.weights.T
        if kind == "complement":
            return scores - logsumexp(scores, axis=1, keepdims=True)
        return scores + self.priors

    def _gaussian(self, features: np.ndarray) -> np.ndarray:
        variances = np.asarray(self.variances.toArray())
        columns = [
            prior - (((features - mean) ** 2 / variance).sum(axis=1) + np.log(variance).sum()) / 2
            for prior, mean, variance in zip(self.priors, self.weights, variances, strict=True)
        ]
        return np.column_stack(columns)

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        return softmax(raw, axis=1)

    def data(self) -> pa.Table:
        return one_row({"pi": self.vector, "theta": self.matrix, "sigma": self.variances})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(params, row["pi"], row["theta"], row.get("sigma", DenseMatrix(0, 0, [])))


class NaiveBayes(Predictor):
    """Classes that do not occur are left out: the others move up."""

    valid = {
        "modelType": one_of("multinomial", "complement", "bernoulli", "gaussian"),
        "smoothing": at_least(0),
    }

    outputs = ("predictionCol", "rawPredictionCol", "probabilityCol")

    def fit(self, dataset: Dataset) -> NaiveBayesModel:
        sums = self._sums(Instances(dataset, self.params, label="class"))
        return self._gaussian(*sums) if self.params["modelType"] == "gaussian" else self._discrete(*sums[:2])

    def _sums(self, blocks: Instances) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By class: the weight, the sum of features and the sum of their squares."""
        by_class: dict[float, list] = {}
        for block in blocks:
            self._check(block.features)
            for name in np.unique(block.labels).tolist():
                own = np.flatnonzero(block.labels == name)
                features, weights = block.features[own], block.weights[own]
                new = [weights.sum(), features.T @ weights, (features * features).T @ weights]
                old = by_class.get(name)
                by_class[name] = new if old is None else [a + b for a, b in zip(old, new, strict=True)]
        rows = [by_class[name] for name in sorted(by_class)]
        weights, sums, squares = (np.array(column) for column in zip(*rows, strict=True))
        return weights, sums, squares

    def _check(self, features: Features) -> None:
        values = features if isinstance(features, np.ndarray) else features.data
        kind = self.params["modelType"]
        if kind in ("multinomial", "complement") and (values < 0).any():
            told = features_text(features, lambda row: bool((row < 0).any()))
            raise _refused(f"Vector values MUST NOT be Negative, NaN or Infinity, but got {told}")
        if kind == "bernoulli" and not np.isin(values, (0.0, 1.0)).all():
            told = features_text(features, lambda row: not np.isin(row, (0.0, 1.0)).all())
            raise _refused(f"Vector values MUST be in {{0, 1}}, but got {told}")

    def _discrete(self, weights: np.ndarray, sums: np.ndarray) -> NaiveBayesModel:
        kind, smoothing = self.params["modelType"], self.params["smoothing"]
        priors = np.log(weights + smoothing) - np.log(weights.sum() + len(weights) * smoothing)
        if kind == "complement":
            sums = sums.sum(axis=0) - sums
        totals = (
            weights + 2.0 * smoothing if kind == "bernoulli" else sums.sum(axis=1) + sums.shape[1] * smoothing
        )
        theta = np.log(sums + smoothing) - np.log(totals)[:, np.newaxis]
        return self._model(priors, -theta if kind == "complement" else theta, None)

    def _gaussian(self, weights: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> NaiveBayesModel:
        total = weights.sum()
        spread = squares.sum(axis=0) / total - (sums.sum(axis=0) / total) ** 2
        means = sums / weights[:, np.newaxis]
        variances = spread.max() * 1e-9 + squares / weights[:, np.newaxis] - means**2
        return self._model(np.log(weights) - np.log(total), means, variances)

    def _model(self, priors: np.ndarray, theta: np.ndarray, sigma: np.ndarray | None) -> NaiveBayesModel:
        variances = DenseMatrix(0, 0, []) if sigma is None else compressed_matrix(sigma)
        return NaiveBayesModel(self.params, compressed_vector(priors), compressed_matrix(theta), variances)


def _as_matrix(features: Features) -> np.ndarray:
    return features if isinstance(features, np.ndarray) else features.toarray()


def _refused(message: str) -> SparkRuntimeException:
    return SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=message)

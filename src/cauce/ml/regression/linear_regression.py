"""LinearRegression: normal equations or L-BFGS, elastic net, and the Huber loss.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/regression/LinearRegression.scala
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector, Vectors

from cauce.errors import IllegalArgumentException
from cauce.ml.bounds import Bounds, minimize_within
from cauce.ml.columns import require
from cauce.ml.instances import Features, Instances
from cauce.ml.label_moments import Moments, moments_of
from cauce.ml.losses import Scale, huber, least_squares, penalised
from cauce.ml.params import Params
from cauce.ml.predictions import PredictionModel, Predictor
from cauce.ml.quasi_newton import minimize, minimize_with_lasso
from cauce.ml.regression.linear_summary import LinearRegressionSummary
from cauce.ml.saved_rows import compressed_vector, one_row, row_of
from cauce.ml.stage import Dataset, attribute
from cauce.ml.valid_values import LIMITS, above, one_of
from cauce.ml.weighted_least_squares import FEATURES_MAX, LeastSquares

__all__ = ["LinearRegression", "LinearRegressionModel"]


class LinearRegressionModel(PredictionModel):
    """A coefficient for every feature; `scale` is the sigma of a Huber loss, else 1."""

    class_name = "org.apache.spark.ml.regression.LinearRegressionModel"

    def __init__(self, params: Params, coefficients: Vector, intercept: float, scale: float = 1.0) -> None:
        super().__init__(params)
        self.vector = coefficients
        self.offset = intercept
        self.sigma = scale
        self.weights = np.asarray(coefficients.toArray())

    @attribute
    def numFeatures(self) -> int:
        return len(self.weights)

    @attribute
    def coefficients(self) -> Vector:
        return self.vector

    @attribute
    def intercept(self) -> float:
        return self.offset

    @attribute
    def scale(self) -> float:
        return self.sigma

    @attribute
    def evaluate(self, dataset: Dataset) -> LinearRegressionSummary:
        """A summary of other rows."""
        return LinearRegressionSummary(self, dataset)

    def predictions(self, features: Features) -> np.ndarray:
        return features @ self.weights + self.offset

    def data(self) -> pa.Table:
        return one_row({"intercept": self.offset, "coefficients": self.vector, "scale": self.sigma})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(params, row["coefficients"], row["intercept"], row.get("scale", 1.0))


class LinearRegression(Predictor):
    """Minimises squared errors, or Huber's loss, on standardised features and label."""

    valid = {
        **LIMITS,
        "solver": one_of("auto", "normal", "l-bfgs"),
        "loss": one_of("squaredError", "huber"),
        "epsilon": above(1.0),
    }

    def fit(self, dataset: Dataset) -> LinearRegressionModel:
        params = self.params
        is_huber = params["loss"] == "huber"
        if is_huber and params["solver"] == "normal":
            raise IllegalArgumentException(
                None,
                "requirement failed: LinearRegression with huber loss doesn't support normal solver, please "
                "change solver to auto or l-bfgs.",
            )
        require(
            not is_huber or params["elasticNetParam"] == 0.0,
            "LinearRegression with huber loss only supports L2 regularization, but got elasticNetParam = "
            f"{params['elasticNetParam']}.",
        )
        blocks = Instances(dataset, params, label="number")
        if is_huber:
            return self._huber(dataset, blocks)
        if params["solver"] == "normal" or (params["solver"] == "auto" and _is_narrow(blocks)):
            return self._normal(dataset, blocks)
        return self._search(dataset, blocks)

    def _normal(self, dataset: Dataset, blocks: Instances) -> LinearRegressionModel:
        params = self.params
        solved = LeastSquares(
            params["fitIntercept"],
            params["regParam"],
            params["elasticNetParam"],
            params["standardization"],
            max_iterations=params["maxIter"],
            tolerance=params["tol"],
        ).solve(blocks)
        model = LinearRegressionModel(params, compressed_vector(solved.coefficients), solved.intercept)
        model.summary = LinearRegressionSummary(model, dataset, solved.history, solved.inverse_diagonal)
        return model

    def _search(self, dataset: Dataset, blocks: Instances) -> LinearRegressionModel:
        params, moments = self.params, moments_of(blocks)
        mean, deviation = moments.label_mean, moments.label_deviation
        if deviation == 0.0:
            if params["fitIntercept"] or mean == 0.0:
                nothing = Vectors.sparse(len(moments.mean), [], [])
                return self._model(dataset, nothing, mean, [0.0])
            require(
                params["regParam"] == 0.0,
                "The standard deviation of the label is zero. Model cannot be regularized.",
            )
            deviation = abs(mean)
        scale = Scale.of(moments)
        loss = least_squares(blocks, scale, mean, deviation, intercept=params["fitIntercept"])
        strength, share = params["regParam"] / deviation, params["elasticNetParam"]
        loss = penalised(loss, self._strengths(moments, (1.0 - share) * strength, 2))
        start, limits = np.zeros(len(moments.mean)), (params["maxIter"], params["tol"])
        if share != 0.0 and strength != 0.0:
            penalty = self._strengths(moments, share * strength, 1)
            found = minimize_with_lasso(loss, penalty, start, *limits)
        else:
            found = minimize(loss, start, *limits)
        coefficients = found.x * deviation * scale.inverse_deviation
        intercept = mean - float(coefficients @ moments.mean) if params["fitIntercept"] else 0.0
        return self._model(dataset, compressed_vector(coefficients), intercept, found.history)

    def _huber(self, dataset: Dataset, blocks: Instances) -> LinearRegressionModel:
        params, moments = self.params, moments_of(blocks)
        scale, intercept = Scale.of(moments), params["fitIntercept"]
        size = len(moments.mean)
        start = np.ones(size + 1 + intercept)
        loss = huber(blocks, scale, params["epsilon"], intercept=intercept)
        strengths = np.append(self._strengths(moments, params["regParam"], 2), np.zeros(1 + intercept))
        if intercept:
            start[size] += float(start[:size] @ scale.mean)
        low = np.append(np.full(len(start) - 1, -np.inf), np.finfo(np.float64).tiny)
        bounds = Bounds(low, np.full(len(start), np.inf))
        found = minimize_within(penalised(loss, strengths), start, bounds, params["maxIter"], params["tol"])
        offset = float(found.x[size] - found.x[:size] @ scale.mean) if intercept else 0.0
        coefficients = compressed_vector(found.x[:size] * scale.inverse_deviation)
        return self._model(dataset, coefficients, offset, found.history, float(found.x[-1]))

    def _strengths(self, moments: Moments, strength: float, power: int) -> np.ndarray:
        """The penalty of every coefficient; on the raw scale if features are not to be standardised."""
        if self.params["standardization"]:
            return np.full(len(moments.mean), strength)
        deviation = moments.deviation**power
        return np.divide(strength, deviation, out=np.zeros_like(deviation), where=deviation != 0)

    def _model(
        self,
        dataset: Dataset,
        coefficients: Vector,
        intercept: float,
        history: list[float],
        scale: float = 1.0,
    ) -> LinearRegressionModel:
        model = LinearRegressionModel(self.params, coefficients, intercept, scale)
        model.summary = LinearRegressionSummary(model, dataset, history)
        return model


def _is_narrow(blocks: Instances) -> bool:
    """Whether there are few enough features for the normal equations."""
    return next(iter(blocks)).features.shape[1] <= FEATURES_MAX

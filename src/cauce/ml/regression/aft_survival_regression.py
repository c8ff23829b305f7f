"""AFTSurvivalRegression: times to an event of Weibull's distribution, with censored rows.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/regression/AFTSurvivalRegression.scala
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector, Vectors, VectorUDT
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.errors import SparkRuntimeException
from cauce.ml.columns import appended, check_numeric, with_fields
from cauce.ml.instances import Block, Features, Instances
from cauce.ml.label_moments import moments_of
from cauce.ml.losses import Scale, weibull
from cauce.ml.params import Params
from cauce.ml.predictions import PredictionModel, Predictor, predictor_schema
from cauce.ml.quasi_newton import minimize
from cauce.ml.saved_rows import one_row, row_of
from cauce.ml.stage import Dataset, attribute
from cauce.ml.valid_values import LIMITS
from cauce.ml.vectors import dense_column

__all__ = ["AFTSurvivalRegression", "AFTSurvivalRegressionModel"]


class AFTSurvivalRegressionModel(PredictionModel):
    """Predicts times, and quantiles of them."""

    class_name = "org.apache.spark.ml.regression.AFTSurvivalRegressionModel"

    def __init__(self, params: Params, coefficients: Vector, intercept: float, scale: float) -> None:
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
    def predictQuantiles(self, value: Vector) -> Vector:
        """Of one row."""
        return Vectors.dense(self.predict(value) * self._quantiles())

    def predictions(self, features: Features) -> np.ndarray:
        return np.exp(features @ self.weights + self.offset)

    def _quantiles(self) -> np.ndarray:
        """Quantiles of a time whose prediction is 1."""
        return np.exp(np.log(-np.log1p(-np.asarray(self.params["quantileProbabilities"]))) * self.sigma)

    def output_schema(self, schema: StructType) -> StructType:
        prediction, quantiles = self.params["predictionCol"], self.params.get("quantilesCol", "")
        predictor_schema(self.params, schema, prediction, quantiles, fitting=False)
        sizes = {"ml_attr": {"num_attrs": len(self.params["quantileProbabilities"])}}
        fields = [
            StructField(prediction, DoubleType(), False, {"ml_attr": {"type": "numeric"}}),
            StructField(quantiles, VectorUDT(), True, sizes),
        ]
        return with_fields(schema, *(field for field in fields if field.name))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        found = self.predictions(self.features(batch, schema))
        prediction, quantiles = self.params["predictionCol"], self.params.get("quantilesCol")
        columns: dict[str, pa.Array] = {prediction: pa.array(found)} if prediction else {}
        if quantiles:
            columns[quantiles] = dense_column(np.outer(found, self._quantiles()))
        return appended(batch, columns)

    def data(self) -> pa.Table:
        return one_row({"coefficients": self.vector, "intercept": self.offset, "scale": self.sigma})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(params, row["coefficients"], row["intercept"], row["scale"])


class AFTSurvivalRegression(Predictor):
    """Maximises the likelihood; a censor of 1 says that the event was seen."""

    valid = LIMITS

    def output_schema(self, schema: StructType) -> StructType:
        found = super().output_schema(schema)
        check_numeric(schema, self.params["censorCol"])
        return found

    def fit(self, dataset: Dataset) -> AFTSurvivalRegressionModel:
        params = self.params
        blocks = _Events(
            Instances(dataset, params, label="number", weighted=False, extra=params["censorCol"])
        )
        scale, intercept = Scale.of(moments_of(blocks.rows)), params["fitIntercept"]
        size = len(scale.mean)
        loss = weibull(blocks, scale, intercept=intercept)
        found = minimize(loss, np.zeros(size + 2), params["maxIter"], params["tol"]).x
        offset = float(found[size] - found[:size] @ scale.mean) if intercept else float(found[size])
        coefficients = Vectors.dense(found[:size] * scale.inverse_deviation)
        return AFTSurvivalRegressionModel(params, coefficients, offset, float(np.exp(found[-1])))


class _Events:
    """The rows with their censors for weights."""

    def __init__(self, rows: Instances) -> None:
        self.rows = rows

    def __iter__(self):
        for block in self.rows:
            yield Block(block.labels, _checked(block.extra), block.features)


def _checked(censors: np.ndarray | None) -> np.ndarray:
    found = np.zeros(0) if censors is None else censors
    if np.isnan(found).any():
        raise _refused("Censors MUST NOT be Null or NaN")
    wrong = found[(found != 0) & (found != 1)]
    if len(wrong):
        raise _refused(f"Censors MUST be in {{0, 1}}, but got {wrong[0]}")
    return found


def _refused(message: str) -> SparkRuntimeException:
    return SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=message)

"""GeneralizedLinearRegression: iteratively reweighted least squares.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/regression/GeneralizedLinearRegression.scala
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.errors import SparkError
from cauce.ml.columns import appended, check_numeric, column, doubles, require, with_fields
from cauce.ml.instances import Block, Features, Instances
from cauce.ml.params import Params
from cauce.ml.predictions import PredictionModel, Predictor, predictor_schema
from cauce.ml.regression.families import GAUSSIAN, IDENTITY, LINKS, FamilyAndLink, family_and_link
from cauce.ml.regression.generalized_summary import GeneralizedSummary
from cauce.ml.saved_rows import compressed_vector, one_row, row_of
from cauce.ml.stage import Dataset, attribute
from cauce.ml.valid_values import LIMITS, one_of
from cauce.ml.weighted_least_squares import FEATURES_MAX, LeastSquares, Solution

__all__ = ["GeneralizedLinearRegression", "GeneralizedLinearRegressionModel"]

PAIRS = {
    "gaussian": ("identity", "log", "inverse"),
    "binomial": ("logit", "probit", "cloglog"),
    "poisson": ("log", "identity", "sqrt"),
    "gamma": ("inverse", "identity", "log"),
}


class GeneralizedLinearRegressionModel(PredictionModel):
    """Predicts means."""

    class_name = "org.apache.spark.ml.regression.GeneralizedLinearRegressionModel"

    def __init__(self, params: Params, coefficients: Vector, intercept: float) -> None:
        super().__init__(params)
        self.vector = coefficients
        self.offset = intercept
        self.weights = np.asarray(coefficients.toArray())
        self.kind = family_and_link(params)

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
    def evaluate(self, dataset: Dataset) -> GeneralizedSummary:
        """A summary of other rows."""
        return GeneralizedSummary(self, dataset)

    def predictions(self, features: Features) -> np.ndarray:
        return self.kind.fitted(features @ self.weights + self.offset)

    def output_schema(self, schema: StructType) -> StructType:
        names = [self.params.get("linkPredictionCol", ""), self.params["predictionCol"]]
        predictor_schema(self.params, schema, *names, fitting=False)
        return with_fields(schema, *(StructField(name, DoubleType(), False) for name in names if name))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        eta = self.features(batch, schema) @ self.weights + self.offset
        if self.params.get("offsetCol"):
            eta = eta + doubles(column(batch, schema, self.params["offsetCol"]))
        link, prediction = self.params.get("linkPredictionCol"), self.params["predictionCol"]
        columns: dict[str, pa.Array] = {link: pa.array(eta)} if link else {}
        if prediction:
            columns[prediction] = pa.array(self.kind.fitted(eta))
        return appended(batch, columns)

    def data(self) -> pa.Table:
        return one_row({"intercept": self.offset, "coefficients": self.vector})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(params, row["coefficients"], row["intercept"])


class GeneralizedLinearRegression(Predictor):
    """A family of distributions, and a link from its mean to a line."""

    valid = {
        **LIMITS,
        "family": one_of("gaussian", "binomial", "poisson", "gamma", "tweedie"),
        "link": one_of(*LINKS),
        "variancePower": lambda power: power >= 1.0 or power == 0.0,
        "solver": one_of("irls"),
    }

    def output_schema(self, schema: StructType) -> StructType:
        params = self.params
        found = super().output_schema(schema)
        if params.get("offsetCol"):
            check_numeric(schema, params["offsetCol"])
        family, link = params["family"].lower(), params.get("link")
        if family != "tweedie" and link:
            require(
                link.lower() in PAIRS[family],
                f"Generalized Linear Regression with {family} family does not support {link} link function.",
            )
        name = params.get("linkPredictionCol")
        return with_fields(found, StructField(name, DoubleType(), False)) if name else found

    def fit(self, dataset: Dataset) -> GeneralizedLinearRegressionModel:
        params = self.params
        rows = Instances(dataset, params, label="number", extra=params.get("offsetCol"))
        size = next(iter(rows)).features.shape[1]
        if size > FEATURES_MAX:
            raise SparkError(
                None,
                "Currently, GeneralizedLinearRegression only supports number of features <= "
                f"{FEATURES_MAX}. Found {size} in the input dataset.",
            )
        solved, iterations = self.solve(rows)
        model = GeneralizedLinearRegressionModel(
            params, compressed_vector(solved.coefficients), solved.intercept
        )
        model.summary = GeneralizedSummary(model, dataset, self, solved.inverse_diagonal, iterations)
        return model

    def solve(self, rows: Iterable[Block]) -> tuple[Solution, int]:
        """The coefficients and how many times weights were found anew."""
        params, kind = self.params, family_and_link(self.params)
        first = LeastSquares(params["fitIntercept"], params["regParam"])
        if kind.family is GAUSSIAN and kind.link is IDENTITY:
            return first.solve(
                _Reworked(rows, lambda block: (block.labels - _offsets(block), block.weights))
            ), 1
        solved = first.solve(_Reworked(rows, lambda block: _first_guess(kind, block)))
        again = LeastSquares(
            params["fitIntercept"], params["regParam"], standardize_features=False, standardize_label=False
        )
        iteration, moved = 0, np.inf
        while iteration < params["maxIter"] and not moved < params["tol"]:
            before = solved
            solved = again.solve(_Reworked(rows, lambda block, last=before: _working(kind, block, last)))
            steps = np.append(solved.coefficients - before.coefficients, solved.intercept - before.intercept)
            moved, iteration = float(np.abs(steps).max()), iteration + 1
        return solved, iteration


@dataclass(frozen=True)
class _Reworked:
    """Rows with other labels and weights."""

    rows: Iterable[Block]
    rework: Callable[[Block], tuple[np.ndarray, np.ndarray]]

    def __iter__(self) -> Iterator[Block]:
        for block in self.rows:
            yield Block(*self.rework(block), block.features)


def _offsets(block: Block) -> np.ndarray:
    return np.zeros(len(block.labels)) if block.extra is None else block.extra


def _first_guess(kind: FamilyAndLink, block: Block) -> tuple[np.ndarray, np.ndarray]:
    return kind.first_guess(block.labels, block.weights) - _offsets(block), block.weights


def _working(kind: FamilyAndLink, block: Block, last: Solution) -> tuple[np.ndarray, np.ndarray]:
    offsets = _offsets(block)
    eta = block.features @ last.coefficients + last.intercept + offsets
    return kind.working(block.labels, block.weights, eta, offsets)

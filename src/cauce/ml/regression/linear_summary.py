"""The summary of a linear regression."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from cauce.errors import UnsupportedOperationException
from cauce.ml.classification.logistic_summary import with_columns
from cauce.ml.columns import doubles
from cauce.ml.evaluation.regression_metrics import RegressionMetrics
from cauce.ml.stage import Dataset, attribute
from cauce.ml.summary import Summary

__all__ = ["LinearRegressionSummary"]


class LinearRegressionSummary(Summary):
    """Errors of the predictions; statistics of the coefficients if normal equations gave them."""

    def __init__(
        self,
        model: Any,
        dataset: Dataset,
        history: Sequence[float] | None = None,
        inverse_diagonal: np.ndarray | None = None,
    ) -> None:
        super().__init__(with_columns(model, "predictionCol"), dataset, history)
        self.inverse_diagonal = np.zeros(1) if inverse_diagonal is None else inverse_diagonal

    @cached_property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Predictions, labels and weights."""
        params = self.model.params
        weight = params.get("weightCol")
        names = [params["predictionCol"], params["labelCol"], *([weight] if weight else [])]
        parts = [
            (doubles(found), doubles(label), self.weights(next(iter(weights), None), len(label)))
            for found, label, *weights in self.rows(*names)
        ]
        predictions, labels, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
        return predictions, labels, weights

    @cached_property
    def metrics(self) -> RegressionMetrics:
        return RegressionMetrics.of([self.columns], through_origin=not self._intercept)

    @property
    def _intercept(self) -> bool:
        return self.model.params["fitIntercept"]

    @attribute
    def explainedVariance(self) -> float:
        return self.metrics.explained_variance()

    @attribute
    def meanAbsoluteError(self) -> float:
        return self.metrics.mean_absolute_error()

    @attribute
    def meanSquaredError(self) -> float:
        return self.metrics.mean_squared_error()

    @attribute
    def rootMeanSquaredError(self) -> float:
        return self.metrics.root_mean_squared_error()

    @attribute
    def r2(self) -> float:
        return self.metrics.r2()

    @attribute
    def r2adj(self) -> float:
        rows = self.metrics.count
        return 1 - (1 - self.metrics.r2()) * (rows - self._intercept) / self.degreesOfFreedom()

    @attribute
    def residuals(self) -> pa.Table:
        """(rows, 1)"""
        predictions, labels, _ = self.columns
        schema = pa.schema([pa.field("residuals", pa.float64(), nullable=False)])
        return pa.Table.from_arrays([pa.array(labels - predictions)], schema=schema)

    @attribute
    def numInstances(self) -> int:
        return self.metrics.count

    @attribute
    def degreesOfFreedom(self) -> int:
        return self.metrics.count - self.model.numFeatures() - self._intercept

    @attribute
    def devianceResiduals(self) -> list[float]:
        """The least and the greatest weighted residual."""
        predictions, labels, weights = self.columns
        residuals = (labels - predictions) * np.sqrt(weights)
        return [float(residuals.min()), float(residuals.max())]

    @attribute
    def coefficientStandardErrors(self) -> list[float]:
        """Of the coefficients, then the intercept."""
        return self._errors("Std. Error of coefficients").tolist()

    @attribute
    def tValues(self) -> list[float]:
        return self._t_values("t-statistic").tolist()

    @attribute
    def pValues(self) -> list[float]:
        values = np.abs(self._t_values("p-value"))
        return (2.0 * stats.t.sf(values, self.degreesOfFreedom())).tolist()

    def _t_values(self, asked: str) -> np.ndarray:
        errors = self._errors(asked)
        estimates = np.append(self.model.weights, [self.model.offset] * self._intercept)
        return estimates / errors

    def _errors(self, asked: str) -> np.ndarray:
        if len(self.inverse_diagonal) == 1 and self.inverse_diagonal[0] == 0:
            raise UnsupportedOperationException(None, f"No {asked} available for this LinearRegressionModel")
        predictions, labels, weights = self.columns
        variance = float(weights @ (labels - predictions) ** 2) / self.degreesOfFreedom()
        return np.sqrt(self.inverse_diagonal * variance)

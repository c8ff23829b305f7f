"""Measures of predicted numbers.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/mllib/evaluation/RegressionMetrics.scala
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["RegressionMetrics"]


@dataclass(frozen=True)
class RegressionMetrics:
    """Weighted sums over the rows."""

    count: int
    weight: float
    error: float
    absolute_error: float
    squared_error: float
    label: float
    label_square: float
    label_spread: float
    explained_spread: float
    through_origin: bool

    @staticmethod
    def of(
        parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], *, through_origin: bool = False
    ) -> "RegressionMetrics":
        """Of pieces of (predictions, labels, weights)."""
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)] or [np.zeros(0)] * 3
        predictions, labels, weights = columns
        weight, errors = float(weights.sum()), labels - predictions
        mean = float(weights @ labels) / weight if weight else 0.0
        return RegressionMetrics(
            count=int(np.count_nonzero(weights)),
            weight=weight,
            error=float(weights @ errors),
            absolute_error=float(weights @ np.abs(errors)),
            squared_error=float(weights @ errors**2),
            label=mean,
            label_square=float(weights @ labels**2),
            label_spread=float(weights @ (labels - mean) ** 2),
            explained_spread=float(weights @ (predictions - mean) ** 2),
            through_origin=through_origin,
        )

    def explained_variance(self) -> float:
        """The spread of the predictions about the mean label."""
        return self.explained_spread / self.weight

    def mean_absolute_error(self) -> float:
        return self.absolute_error / self.weight

    def mean_squared_error(self) -> float:
        return self.squared_error / self.weight

    def root_mean_squared_error(self) -> float:
        return float(np.sqrt(self.mean_squared_error()))

    def r2(self) -> float:
        """1 - unexplained / total; without an intercept the total is about zero."""
        total = self.label_square if self.through_origin else self.label_spread
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(1 - np.float64(self.squared_error) / total)

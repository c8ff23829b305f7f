"""Least squares from sums alone: one pass over the rows, then the normal equations.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/optim/WeightedLeastSquares.scala
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cauce.ml.columns import require
from cauce.ml.instances import Block, Features
from cauce.ml.quasi_newton import Minimum, Objective, minimize, minimize_with_lasso

__all__ = ["FEATURES_MAX", "LeastSquares", "Solution"]

FEATURES_MAX = 4096
"""More features than this are not solved from sums."""


@dataclass(frozen=True)
class Solution:
    """On the raw scale; `inverse_diagonal` (features, then the intercept) only if equations were solved."""

    coefficients: np.ndarray
    intercept: float
    inverse_diagonal: np.ndarray
    history: list[float]


@dataclass(frozen=True)
class _Sums:
    weight: float
    label: float
    label_square: float
    features: np.ndarray
    products: np.ndarray
    squares: np.ndarray


@dataclass(frozen=True)
class LeastSquares:
    """What is to be solved."""

    intercept: bool
    regularisation: float = 0.0
    elastic_net: float = 0.0
    standardize_features: bool = True
    standardize_label: bool = True
    max_iterations: int = 100
    tolerance: float = 1e-6

    def solve(self, blocks: Iterable[Block]) -> Solution:
        """The best coefficients for the rows."""
        sums = _sums_of(blocks)
        mean = sums.label / sums.weight
        label_deviation = float(np.sqrt(max(sums.label_square / sums.weight - mean**2, 0.0)))
        if label_deviation == 0.0:
            if self.intercept or mean == 0.0:
                return Solution(np.zeros(len(sums.features)), mean, np.zeros(1), [0.0])
            require(
                not (self.regularisation > 0.0 and self.standardize_label),
                "The standard deviation of the label is zero. Model cannot be regularized when labels are "
                "standardized.",
            )
            label_deviation = abs(mean)
        return self._solved(sums, label_deviation)

    def _solved(self, sums: _Sums, label_deviation: float) -> Solution:
        """On the standardised scale, then back."""
        means = sums.features / sums.weight
        deviation = np.sqrt(np.maximum(np.diag(sums.squares) / sums.weight - means**2, 0.0))
        inverse = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation != 0)
        squares = sums.squares / sums.weight * np.outer(inverse, inverse)
        squares[np.diag_indices_from(squares)] += self._ridge(inverse, label_deviation)
        equations = _Equations(
            squares=squares,
            products=sums.products / sums.weight * inverse / label_deviation,
            means=means * inverse,
            label_mean=sums.label / sums.weight / label_deviation,
            label_square=sums.label_square / sums.weight / label_deviation**2,
            intercept=self.intercept,
        )
        found, inverse_diagonal, history = self._solution(equations, inverse, label_deviation)
        size = len(means)
        intercept = float(found[size]) * label_deviation if self.intercept else 0.0
        scales = np.append(inverse**2, 1.0)[: len(found)]
        diagonal = np.zeros(1) if inverse_diagonal is None else inverse_diagonal * scales / sums.weight
        return Solution(found[:size] * inverse * label_deviation, intercept, diagonal, history)

    def _ridge(self, inverse: np.ndarray, label_deviation: float) -> np.ndarray:
        strength = (1.0 - self.elastic_net) * self.regularisation / label_deviation
        strengths = np.full(len(inverse), strength) if self.standardize_features else strength * inverse**2
        return strengths if self.standardize_label else strengths * label_deviation

    def _solution(
        self, equations: "_Equations", inverse: np.ndarray, label_deviation: float
    ) -> tuple[np.ndarray, np.ndarray | None, list[float]]:
        """By Cholesky's decomposition; by a search if there is a lasso or the equations are singular."""
        if self.elastic_net != 0.0 and self.regularisation != 0.0:
            lasso = self.elastic_net * self.regularisation / label_deviation
            penalty = np.full(len(inverse), lasso) if self.standardize_features else lasso * inverse
            found = equations.search(np.append(penalty, np.zeros(int(self.intercept))), self)
            return found.x, None, found.history
        try:
            return *equations.solve(), [0.0]
        except np.linalg.LinAlgError:
            found = equations.search(None, self)
            return found.x, None, found.history


@dataclass(frozen=True)
class _Equations:
    """Averages of products of standardised features and label."""

    squares: np.ndarray
    products: np.ndarray
    means: np.ndarray
    label_mean: float
    label_square: float
    intercept: bool

    def matrix(self) -> np.ndarray:
        if not self.intercept:
            return self.squares
        side = self.means[:, np.newaxis]
        return np.block([[self.squares, side], [side.T, np.ones((1, 1))]])

    def right(self) -> np.ndarray:
        return np.append(self.products, self.label_mean) if self.intercept else self.products

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        """The solution and the diagonal of the matrix's inverse; LinAlgError if it is singular."""
        from scipy.linalg import cho_factor, cho_solve

        factor = cho_factor(self.matrix())
        inverse = cho_solve(factor, np.eye(len(self.right())))
        return cho_solve(factor, self.right()), np.diag(inverse)

    def search(self, penalty: np.ndarray | None, how: LeastSquares) -> Minimum:
        start = np.zeros(len(self.right()))
        if self.intercept:
            start[-1] = self.label_mean
        limits = (how.max_iterations, how.tolerance)
        if penalty is None or not penalty.any():
            return minimize(self._objective(), start, *limits)
        return minimize_with_lasso(self._objective(), penalty, start, *limits)

    def _objective(self) -> Objective:
        matrix, right = self.matrix(), self.right()

        def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
            if self.intercept:
                # The intercept follows from the coefficients; the search moves on with the corrected point.
                x[-1] = self.label_mean - float(x[:-1] @ self.means)
            product = matrix @ x
            return 0.5 * self.label_square - float(right @ x) + 0.5 * float(x @ product), product - right

        return objective


def _sums_of(blocks: Iterable[Block]) -> _Sums:
    numbers = np.zeros(3)
    vectors: list[np.ndarray] = []
    for block in blocks:
        weighted = block.weights * block.labels
        numbers += [block.weights.sum(), weighted.sum(), weighted @ block.labels]
        found = [
            block.features.T @ block.weights,
            block.features.T @ weighted,
            _squares(block.features, block.weights),
        ]
        vectors = [total + part for total, part in zip(vectors, found, strict=True)] if vectors else found
    weight, label, label_square = (float(number) for number in numbers)
    return _Sums(weight, label, label_square, *vectors)


def _squares(features: Features, weights: np.ndarray) -> np.ndarray:
    if isinstance(features, np.ndarray):
        return features.T @ (features * weights[:, np.newaxis])
    weighted = features.multiply(weights[:, np.newaxis]).tocsr()
    return np.asarray((features.T @ weighted).todense())

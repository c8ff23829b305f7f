"""Coefficients that must stay between bounds: LogisticRegression's, and the scale of a Huber loss."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cauce.ml.columns import require
from cauce.ml.params import Params
from cauce.ml.quasi_newton import Minimum, Objective

__all__ = ["Bounds", "bounds_of", "minimize_within"]


@dataclass(frozen=True)
class Bounds:
    """The least and greatest value of every coordinate."""

    low: np.ndarray
    high: np.ndarray
    hold_intercept: bool = False
    """Whether an intercept has a finite bound."""

    def clipped(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, self.low, self.high)


def minimize_within(
    objective: Objective, start: np.ndarray, bounds: Bounds, max_iterations: int, tolerance: float
) -> Minimum:
    """The minimum between bounds, by L-BFGS-B."""
    from scipy.optimize import minimize

    history = [objective(start)[0]]
    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(bounds.low, bounds.high, strict=True)),
        callback=lambda x: history.append(objective(x)[0]),
        options={
            "maxiter": max_iterations,
            "maxcor": 10,
            "ftol": tolerance * 1e-3,
            "gtol": min(tolerance, 1e-7),
        },
    )
    return Minimum(found.x, history)


def bounds_of(params: Params, sets: int, deviation: np.ndarray) -> Bounds | None:
    """The bounds of LogisticRegression on the standardised scale, if any is set."""
    names = [
        f"{side}BoundsOn{part}" for part in ("Coefficients", "Intercepts") for side in ("lower", "upper")
    ]
    if all(params.get(name) is None for name in names):
        return None
    _check(params, sets, len(deviation))
    intercepts = sets if params["fitIntercept"] else 0
    low, high = (
        np.concatenate(
            [
                _of_coefficients(params.get(f"{side}BoundsOnCoefficients"), sets, deviation, otherwise),
                _of_intercepts(params.get(f"{side}BoundsOnIntercepts"), intercepts, otherwise),
            ]
        )
        for side, otherwise in (("lower", -np.inf), ("upper", np.inf))
    )
    ends = np.concatenate([low[len(low) - intercepts :], high[len(high) - intercepts :]])
    return Bounds(low, high, bool(np.isfinite(ends).any()))


def _of_coefficients(matrix: Any, sets: int, deviation: np.ndarray, otherwise: float) -> np.ndarray:
    """Feature by feature, a set of classes each."""
    if matrix is None:
        return np.full(sets * len(deviation), otherwise)
    with np.errstate(invalid="ignore"):
        scaled = matrix.toArray() * deviation
    return np.where(np.isnan(scaled), 0.0, scaled).T.reshape(-1)


def _of_intercepts(vector: Any, count: int, otherwise: float) -> np.ndarray:
    return np.full(count, otherwise) if vector is None or not count else np.asarray(vector.toArray())


def _check(params: Params, sets: int, features: int) -> None:
    share = params["elasticNetParam"]
    require(
        params["regParam"] == 0.0 or share == 0.0,
        "Fitting under bound constrained optimization only supports L2 regularization, but got "
        f"elasticNetParam = {share}.",
    )
    for side in ("lower", "upper"):
        matrix, vector = params.get(f"{side}BoundsOnCoefficients"), params.get(f"{side}BoundsOnIntercepts")
        title = f"{side.capitalize()}BoundsOn"
        size = vector is not None and vector.size
        require(
            matrix is None or (matrix.numRows, matrix.numCols) == (sets, features),
            f"The shape of {title}Coefficients must be compatible with (1, number of features) for binomial "
            "regression, or (number of classes, number of features) for multinomial regression, but found: "
            f"({matrix and matrix.numRows}, {matrix and matrix.numCols}).",
        )
        require(
            vector is None or size == sets,
            f"The size of {title}Intercepts must be equal to 1 for binomial regression, or the number of "
            f"classes for multinomial regression, but found: {size}.",
        )

"""The compiled part of alternating least squares: the normal equations of each user or item.

As MLlib's ALS: the regularisation of a row is weighted by its number of ratings (of positive ones if ratings
are implicit); implicit ratings are confidences 1 + alpha |r| of preferences 0 or 1.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

__all__ = ["Equations", "Ratings", "solved"]

ROWS_AT_ONCE = 4096
NONNEGATIVE_ITERATIONS_MIN = 400


@dataclass(frozen=True)
class Ratings:
    """The ratings of each row (a user, or an item): those from starts[row] up to starts[row + 1]."""

    starts: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    @staticmethod
    def of(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, count: int) -> "Ratings":
        """Ratings in any order, `count` rows."""
        order = np.argsort(rows, kind="stable")
        starts = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=count), out=starts[1:])
        return Ratings(starts, columns[order].astype(np.int32), values[order])


@dataclass(frozen=True)
class Equations:
    """What is solved for each row."""

    regularisation: float
    alpha: float
    is_implicit: bool
    is_nonnegative: bool


def solved(
    ratings: Ratings, factors: np.ndarray, equations: Equations, threads: ThreadPoolExecutor
) -> np.ndarray:
    """(rows, rank): the factors of all rows, given those of the columns."""
    count = len(ratings.starts) - 1
    shared = factors.T @ factors if equations.is_implicit else np.zeros((factors.shape[1], factors.shape[1]))

    def some(first: int) -> np.ndarray:
        last = min(first + ROWS_AT_ONCE, count)
        rank = factors.shape[1]
        left, right = np.empty((last - first, rank, rank)), np.empty((last - first, rank))
        add_up(
            (ratings.starts, ratings.columns, ratings.values),
            factors,
            shared,
            (equations.regularisation, equations.alpha, equations.is_implicit),
            first,
            left,
            right,
        )
        if equations.is_nonnegative:
            return nonnegative(left, right)
        return np.linalg.solve(left, right[:, :, np.newaxis])[:, :, 0]

    return np.concatenate(list(threads.map(some, range(0, count, ROWS_AT_ONCE))))


@njit(cache=True, nogil=True)
def add_up(
    ratings: Any, factors: Any, shared: Any, equations: Any, first: int, left: Any, right: Any
) -> None:
    """left @ x = right for the rows from `first`."""
    starts, columns, values = ratings
    regularisation, alpha, is_implicit = equations
    rank = factors.shape[1]
    for row in range(left.shape[0]):
        for i in range(rank):
            right[row, i] = 0.0
            for j in range(i + 1):
                left[row, i, j] = shared[i, j]
        counted = 0
        for at in range(starts[first + row], starts[first + row + 1]):
            value, column = values[at], columns[at]
            confidence = alpha * abs(value) if is_implicit else 1.0
            wanted = value
            if is_implicit:
                wanted = 1.0 + confidence if value > 0.0 else 0.0
            counted += 1 if value > 0.0 or not is_implicit else 0
            for i in range(rank):
                factor = factors[column, i]
                right[row, i] += wanted * factor
                for j in range(i + 1):
                    left[row, i, j] += confidence * factor * factors[column, j]
        for i in range(rank):
            left[row, i, i] += regularisation * counted
            for j in range(i):
                left[row, j, i] = left[row, i, j]


@njit(cache=True, nogil=True)
def nonnegative(left: Any, right: Any) -> Any:
    """The solutions without negative numbers that are closest, by coordinate descent."""
    rank = right.shape[1]
    found = np.zeros(right.shape)
    for row in range(right.shape[0]):
        for _ in range(max(NONNEGATIVE_ITERATIONS_MIN, 20 * rank)):
            change = 0.0
            for i in range(rank):
                if left[row, i, i] <= 0.0:
                    continue
                slope = -right[row, i]
                for j in range(rank):
                    slope += left[row, i, j] * found[row, j]
                value = max(0.0, found[row, i] - slope / left[row, i, i])
                change = max(change, abs(value - found[row, i]))
                found[row, i] = value
            if change < 1e-9:
                break
    return found

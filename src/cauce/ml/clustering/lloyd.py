"""K-means on blocks of rows: where to begin, and moving the centres until they rest.

As MLlib's KMeans: k-means|| (two rounds of sampling far points, then k-means++ among them) or random rows to
begin with; a centre without rows stays; done when no centre moves farther than `tol`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from cauce.ml.instances import Features

__all__ = ["COSINE", "EUCLIDEAN", "Clustering", "Points", "closest", "cluster", "squares", "unit_rows"]

EUCLIDEAN, COSINE = "euclidean", "cosine"
OVERSAMPLING = 2
LOCAL_ITERATIONS_MAX = 30


@dataclass(frozen=True)
class Points:
    """The rows and their weights, block by block; for the cosine measure of length 1 each."""

    blocks: Sequence[Features]
    weights: Sequence[np.ndarray]
    measure: str

    @property
    def count(self) -> int:
        return sum(block.shape[0] for block in self.blocks)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """These rows (ascending) as a matrix."""
        starts = np.cumsum([0, *(block.shape[0] for block in self.blocks)])
        places = np.searchsorted(rows, starts)
        parts = [
            _dense(block[rows[first:last] - start])
            for block, start, first, last in zip(self.blocks, starts, places, places[1:], strict=False)
            if last > first
        ]
        return np.concatenate(parts)


@dataclass(frozen=True)
class Clustering:
    """Centres, the cost of the rows before the last move, and how many moves there were."""

    centers: np.ndarray
    cost: float
    iterations: int


def cluster(
    points: Points, k: int, *, init_mode: str, init_steps: int, iterations: int, tol: float, seed: int
) -> Clustering:
    """The centres of at most k clusters."""
    random = np.random.default_rng(seed % 2**64)
    if init_mode == "random":
        start = _random_rows(points, k, random)
    else:
        start = _parallel(points, k, init_steps, random)
    return _lloyd(points, np.unique(start, axis=0) if len(start) > 1 else start, iterations, tol)


def closest(block: Features, centers: np.ndarray, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Of every row the nearest centre and the cost: squared distance, or 1 - cosine of rows of length 1."""
    products = np.asarray(block @ centers.T)
    if measure == COSINE:
        nearest = products.argmax(axis=1)
        return nearest, np.maximum(1.0 - np.take_along_axis(products, nearest[:, None], axis=1)[:, 0], 0.0)
    products *= -2.0
    products += np.einsum("ij,ij->i", centers, centers)
    nearest = products.argmin(axis=1)
    offsets = np.take_along_axis(products, nearest[:, None], axis=1)[:, 0]
    return nearest, np.maximum(offsets + squares(block), 0.0)


def unit_rows(block: Features) -> Features:
    """Rows of length 1; a row of zeros stays one."""
    lengths = np.sqrt(squares(block))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return (
        block * scale[:, None]
        if isinstance(block, np.ndarray)
        else sp.csr_array(sp.diags_array(scale) @ block)
    )


def _lloyd(points: Points, centers: np.ndarray, iterations: int, tol: float) -> Clustering:
    cost, done = 0.0, 0
    while done < iterations:
        moved, cost = _moved(points, centers)
        done += 1
        shift = np.einsum("ij,ij->i", moved - centers, moved - centers)
        if points.measure == COSINE:
            shift = (1.0 - np.einsum("ij,ij->i", moved, centers)) ** 2
        centers = moved
        if (shift <= tol * tol).all():
            break
    return Clustering(centers, cost, done)


def _moved(points: Points, centers: np.ndarray) -> tuple[np.ndarray, float]:
    """Each centre in the middle of its rows, and the cost before the move."""
    sums, weights, cost = np.zeros_like(centers), np.zeros(len(centers)), 0.0
    for block, block_weights in zip(points.blocks, points.weights, strict=True):
        nearest, costs = closest(block, centers, points.measure)
        rows = len(nearest)
        chosen = sp.csr_array((block_weights, nearest, np.arange(rows + 1)), shape=(rows, len(centers)))
        sums += _dense(chosen.T @ block)
        weights += np.bincount(nearest, block_weights, len(centers))
        cost += float(costs @ block_weights)
    has_rows = weights > 0
    moved = np.where(has_rows[:, None], sums / np.where(has_rows, weights, 1.0)[:, None], centers)
    return (unit_rows(moved) if points.measure == COSINE else moved), cost


def _random_rows(points: Points, k: int, random: np.random.Generator) -> np.ndarray:
    return points.take(np.sort(random.choice(points.count, min(k, points.count), replace=False)))


def _parallel(points: Points, k: int, steps: int, random: np.random.Generator) -> np.ndarray:
    """Rows far from the rows chosen so far, about 2k a step; of these the best k by k-means++."""
    chosen = points.take(random.integers(points.count, size=1))
    distances = np.full(points.count, np.inf)
    weights = np.concatenate(points.weights)
    newest = chosen
    for _ in range(steps):
        distances = np.minimum(distances, _costs(points, newest))
        mass = distances * weights
        if mass.sum() == 0:
            break
        drawn = np.flatnonzero(random.random(points.count) < OVERSAMPLING * k * mass / mass.sum())
        if not len(drawn):
            break
        newest = points.take(drawn)
        chosen = np.concatenate([chosen, newest])
    chosen = np.unique(chosen, axis=0)
    if len(chosen) <= k:
        return chosen
    return _plus_plus(chosen, _weights_of(points, chosen), k, points.measure, random)


def _costs(points: Points, centers: np.ndarray) -> np.ndarray:
    return np.concatenate([closest(block, centers, points.measure)[1] for block in points.blocks])


def _weights_of(points: Points, centers: np.ndarray) -> np.ndarray:
    """How many rows are nearest to each centre."""
    counts = np.zeros(len(centers))
    for block in points.blocks:
        counts += np.bincount(closest(block, centers, points.measure)[0], minlength=len(centers))
    return counts


def _plus_plus(
    rows: np.ndarray, weights: np.ndarray, k: int, measure: str, random: np.random.Generator
) -> np.ndarray:
    """k of the rows, each drawn by its cost so far, then moved to rest among the rows."""
    centers = rows[random.choice(len(rows), 1, p=weights / weights.sum())]
    costs = closest(rows, centers, measure)[1]
    while len(centers) < k:
        mass = weights * costs
        drawn = random.choice(len(rows), p=mass / mass.sum()) if mass.sum() > 0 else len(centers)
        centers = np.concatenate([centers, rows[drawn : drawn + 1]])
        costs = np.minimum(costs, closest(rows, centers[-1:], measure)[1])
    return _lloyd(Points([rows], [weights], measure), centers, LOCAL_ITERATIONS_MAX, 0.0).centers


def squares(block: Features) -> np.ndarray:
    """(rows,) the squared length of every row."""
    if isinstance(block, np.ndarray):
        return np.einsum("ij,ij->i", block, block)
    return np.asarray((block * block).sum(axis=1)).reshape(-1)


def _dense(rows: Features) -> np.ndarray:
    return rows if isinstance(rows, np.ndarray) else rows.toarray()

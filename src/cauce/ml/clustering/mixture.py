"""Gaussian mixtures by expectation maximisation on blocks of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cauce.ml.clustering.lloyd import Points, cluster

__all__ = ["Mixture", "densities", "fit_mixture"]

START_ITERATIONS = 10
EPSILON = 2.0**-52


@dataclass(frozen=True)
class Mixture:
    """weights: (k,), means: (k, features), covariances: (k, features, features)."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def fit_mixture(
    points: Points, k: int, *, iterations: int, tol: float, seed: int
) -> tuple[Mixture, float, int]:
    """The mixture, the log-likelihood of the rows before the last step, and the number of steps.

    As MLlib's GaussianMixture, it stops when the log-likelihood moves by less than `tol`; it begins from
    the clusters of a short k-means instead of random slices of the rows.
    """
    mixture, likelihood, previous, done = _start(points, k, seed), -np.inf, 0.0, 0
    while done < iterations and (done == 0 or abs(likelihood - previous) > tol):
        previous = likelihood
        mixture, likelihood = _step(points, mixture)
        done += 1
    return mixture, likelihood, done


def densities(rows: np.ndarray, mixture: Mixture) -> np.ndarray:
    """(rows, k): the log of weight times density."""
    found = np.empty((len(rows), len(mixture.weights)))
    for place, (weight, mean, covariance) in enumerate(
        zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
    ):
        root, offset = _root(covariance)
        with np.errstate(divide="ignore"):
            scaled = (rows - mean) @ root
            found[:, place] = np.log(weight) + offset - 0.5 * np.einsum("ij,ij->i", scaled, scaled)
    return found


def _root(covariance: np.ndarray) -> tuple[np.ndarray, float]:
    """The root of the inverse and the log of the density's height; directions without spread are left out."""
    values, vectors = np.linalg.eigh(covariance)
    tolerance = EPSILON * max(values.max(), 0.0) * len(values)
    kept = values > tolerance
    inverse = np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    log_determinant = float(np.log(values[kept]).sum())
    return vectors * inverse, -0.5 * (len(values) * np.log(2.0 * np.pi) + log_determinant)


def _start(points: Points, k: int, seed: int) -> Mixture:
    found = cluster(
        points, k, init_mode="k-means||", init_steps=2, iterations=START_ITERATIONS, tol=1e-4, seed=seed
    )
    means = found.centers
    if len(means) < k:
        means = np.concatenate([means, means[np.arange(k - len(means)) % len(means)]])
    total, spread = 0.0, np.zeros_like(means[0])
    for rows, weights in zip(points.blocks, points.weights, strict=True):
        offsets = np.asarray(rows) - means[0]
        spread += weights @ (offsets * offsets)
        total += weights.sum()
    shape = np.diag(np.maximum(spread / total, EPSILON))
    mixture = Mixture(np.full(k, 1.0 / k), means, np.tile(shape, (k, 1, 1)))
    # Rows to the nearest centre only: the first shapes are those of the clusters.
    return _moved(points, [_nearest(np.asarray(rows), means) for rows in points.blocks], mixture)


def _nearest(rows: np.ndarray, means: np.ndarray) -> np.ndarray:
    distances = -2.0 * rows @ means.T + np.einsum("ij,ij->i", means, means)
    return np.eye(len(means))[distances.argmin(axis=1)]


def _step(points: Points, mixture: Mixture) -> tuple[Mixture, float]:
    likelihood, shares = 0.0, []
    for rows, weights in zip(points.blocks, points.weights, strict=True):
        logs = densities(np.asarray(rows), mixture)
        highest = logs.max(axis=1, keepdims=True)
        sums = highest[:, 0] + np.log(np.exp(logs - highest).sum(axis=1))
        likelihood += float(weights @ sums)
        shares.append(np.exp(logs - sums[:, np.newaxis]))
    return _moved(points, shares, mixture), likelihood


def _moved(points: Points, shares: Sequence[np.ndarray], before: Mixture) -> Mixture:
    """Weights, means and covariances of the rows by their share in each component."""
    k, size = before.means.shape
    mass, sums, products = np.zeros(k), np.zeros((k, size)), np.zeros((k, size, size))
    centre = before.means.mean(axis=0)
    for rows, weights, share in zip(points.blocks, points.weights, shares, strict=True):
        offsets, weighted = np.asarray(rows) - centre, share * weights[:, np.newaxis]
        mass += weighted.sum(axis=0)
        sums += weighted.T @ offsets
        for place in range(k):
            products[place] += (offsets * weighted[:, place : place + 1]).T @ offsets
    has_rows = mass > EPSILON
    safe = np.where(has_rows, mass, 1.0)
    means = sums / safe[:, np.newaxis]
    covariances = products / safe[:, np.newaxis, np.newaxis] - np.einsum("ki,kj->kij", means, means)
    return Mixture(
        mass / mass.sum(),
        np.where(has_rows[:, np.newaxis], means + centre, before.means),
        np.where(has_rows[:, np.newaxis, np.newaxis], covariances, before.covariances),
    )

"""Weighted means and deviations of features and labels, as Spark's Summarizer has them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cauce.ml.instances import Block

__all__ = ["Moments", "class_weights", "moments_of"]


@dataclass(frozen=True)
class Moments:
    """Of the rows of positive weight; index 0 of `labels` is their mean, 1 their deviation."""

    count: int
    weight_sum: float
    mean: np.ndarray
    deviation: np.ndarray
    label_mean: float
    label_deviation: float


def moments_of(blocks: Iterable[Block]) -> Moments:
    """One pass; sums are taken around the first block's means, so that large means do not hurt."""
    centre, label_centre = np.zeros(0), 0.0
    totals = np.zeros(3)
    sums, squares, label_sums = np.zeros(0), np.zeros(0), np.zeros(2)
    for number, block in enumerate(blocks):
        weights, features = block.weights, block.features
        if number == 0:
            centre = np.asarray(features.mean(axis=0)).reshape(-1)
            label_centre = float(block.labels.mean())
            sums, squares = np.zeros(len(centre)), np.zeros(len(centre))
        totals += [np.count_nonzero(weights), weights.sum(), (weights**2).sum()]
        first, second = _sums(features, weights, centre)
        sums, squares = sums + first, squares + second
        off = block.labels - label_centre
        label_sums += [weights @ off, weights @ off**2]
    count, weight, weight_squares = totals
    deviation = _deviation(sums, squares, weight, weight_squares)
    label_deviation = _deviation(label_sums[:1], label_sums[1:], weight, weight_squares)[0]
    mean, label_mean = centre + sums / weight, label_centre + label_sums[0] / weight
    return Moments(int(count), float(weight), mean, deviation, float(label_mean), float(label_deviation))


def class_weights(blocks: Iterable[Block]) -> np.ndarray:
    """The weight of every class, up to the largest label."""
    found = np.zeros(0)
    for block in blocks:
        counted = np.bincount(block.labels.astype(np.int64), block.weights)
        size = max(len(found), len(counted))
        found = np.pad(found, (0, size - len(found))) + np.pad(counted, (0, size - len(counted)))
    return found


def _sums(features, weights: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of (x - centre) and of its square."""
    if isinstance(features, np.ndarray):
        off = features - centre
        return weights @ off, np.einsum("i,ij,ij->j", weights, off, off)
    first = features.T @ weights
    second = features.multiply(features).T @ weights
    weight = weights.sum()
    return first - weight * centre, second - 2 * centre * first + weight * centre**2


def _deviation(sums: np.ndarray, squares: np.ndarray, weight: float, weight_squares: float) -> np.ndarray:
    """The root of the unbiased variance for reliability weights."""
    spread = squares - sums**2 / weight
    # What rounding leaves of a constant column is no deviation.
    spread[spread < 1e-14 * squares] = 0.0
    denominator = weight - weight_squares / weight
    return np.sqrt(np.maximum(spread, 0.0) / denominator) if denominator > 0 else np.zeros(len(sums))

"""Gradient boosting: each tree is fitted to the slope of the loss where the trees before it ended.

As MLlib's GradientBoostedTrees: the first tree has weight 1, the others the step size; with a validation set
boosting stops when the error there no longer falls by validationTol, and the best number of trees is kept.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from cauce.ml.trees.binning import Binning
from cauce.ml.trees.forest import Draws
from cauce.ml.trees.growing import Growing, grow
from cauce.ml.trees.histograms import Rows
from cauce.ml.trees.tree import Tree, joined
from cauce.ml.trees.walking import outcomes

__all__ = ["LOSSES", "Boosting", "Loss", "boost", "errors_by_round"]


@dataclass(frozen=True)
class Loss:
    """Of predictions and labels; labels of a classification are -1 and 1."""

    downhill: Callable[[np.ndarray, np.ndarray], np.ndarray]
    error: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _logistic_error(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return 2.0 * np.logaddexp(0.0, -2.0 * labels * predictions)


def _logistic_downhill(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return 4.0 * labels / (1.0 + np.exp(2.0 * labels * predictions))


LOSSES = {
    "logistic": Loss(_logistic_downhill, _logistic_error),
    "squared": Loss(lambda p, y: 2.0 * (y - p), lambda p, y: (y - p) * (y - p)),
    "absolute": Loss(lambda p, y: np.where(y - p < 0, -1.0, 1.0), lambda p, y: np.abs(y - p)),
}


@dataclass(frozen=True)
class Boosting:
    """How many rounds of which step, and on which rows trees are validated (None: no validation)."""

    loss: Loss
    rounds_max: int
    step: float
    validation_tolerance: float
    draws: Draws


@dataclass
class _Running:
    """Rows and the sum of the trees' predictions for them so far."""

    rows: Rows
    predictions: np.ndarray

    def error(self, loss: Loss) -> float:
        return _mean(loss.error(self.predictions, self.rows.labels), self.rows.weights)


def boost(
    rows: Rows,
    validation: Rows | None,
    binning: Binning,
    growing: Growing,
    boosting: Boosting,
    threads: ThreadPoolExecutor,
) -> tuple[list[Tree], list[float]]:
    """The trees and their weights."""
    trees: list[Tree] = []
    weights: list[float] = []
    seen = _Running(rows, np.zeros(len(rows.labels)))
    unseen = None if validation is None else _Running(validation, np.zeros(len(validation.labels)))
    best_error, best_count = 0.0, 1
    for round_number in range(boosting.rounds_max):
        draws = replace(boosting.draws, seed=boosting.draws.seed + round_number)
        labels = rows.labels if not trees else boosting.loss.downhill(seen.predictions, rows.labels)
        drawn = rows._replace(labels=labels, counts=draws.counts(0, len(labels)))
        tree = grow(drawn, binning, growing, draws.subsets(0, binning.feature_count), threads)
        trees.append(tree)
        weights.append(1.0 if len(trees) == 1 else boosting.step)
        for running in (seen, unseen):
            if running is not None:
                running.predictions += weights[-1] * _binned_predictions(tree, running.rows, binning)
        if unseen is not None:
            error = unseen.error(boosting.loss)
            if len(trees) == 1:
                best_error = error
            elif best_error - error < boosting.validation_tolerance * max(error, 0.01):
                break
            elif error < best_error:
                best_error, best_count = error, len(trees)
    kept = len(trees) if unseen is None else best_count
    return trees[:kept], weights[:kept]


def errors_by_round(
    tree_weights: Sequence[float], loss: Loss, said: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> list[float]:
    """The mean loss after each tree; said: (rows, trees), what each tree predicts of each row."""
    running = np.cumsum(said * np.asarray(tree_weights), axis=1)
    return [_mean(loss.error(predictions, labels), weights) for predictions in running.T]


def _binned_predictions(tree: Tree, rows: Rows, binning: Binning) -> np.ndarray:
    """What the tree says of binned rows: its thresholds are bins here."""
    nodes = joined([tree])
    thresholds = nodes.thresholds.copy()
    for feature in np.unique(tree.features[tree.features >= 0]):
        cut_here = (tree.features == feature) & (nodes.sets < 0)
        thresholds[cut_here] = np.searchsorted(binning.thresholds[feature], thresholds[cut_here])
    said = tree.predictions[:, np.newaxis]
    return outcomes(rows.bins, nodes._replace(thresholds=thresholds), said)[:, 0]


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    return float((values * weights).sum() / weights.sum())

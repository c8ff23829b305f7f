"""Fitting and judging boosted trees, the same for classes and numbers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cauce.ml.instances import Instances
from cauce.ml.params import Params
from cauce.ml.stage import Dataset
from cauce.ml.trees.boosting import LOSSES, Boosting, boost, errors_by_round
from cauce.ml.trees.models import EnsembleModel, tree_uids
from cauce.ml.trees.training import THREADS, Where, draws_of, growing_of, read_training
from cauce.ml.trees.tree import Tree

__all__ = ["Labels", "fit_boosted", "judged_by_round"]

Labels = Callable[[np.ndarray], np.ndarray]
"""The labels that trees are fitted to."""


def fit_boosted(
    params: Params, dataset: Dataset, label: str, labels_of: Labels
) -> tuple[list[Tree], list[float], int, list[str]]:
    """Trees, their weights, the number of features, and uids for the trees' models."""
    indicator = params.get("validationIndicatorCol")
    training = read_training(Where(dataset, indicator, False) if indicator else dataset, params, label=label)
    growing = growing_of(params, training, class_count=0, impurity="variance")
    boosting = Boosting(
        loss=LOSSES[params["lossType"].lower()],
        rounds_max=params["maxIter"],
        step=params["stepSize"],
        validation_tolerance=params["validationTol"],
        draws=draws_of(params, training, tree_count=1, is_classifier=False),
    )
    with ThreadPoolExecutor(THREADS) as threads:
        binning = training.binning(params, 0)
        rows = training.rows(binning, threads, labels=labels_of(training.labels))
        unseen = None
        if indicator:
            validation = read_training(Where(dataset, indicator, True), params, label=label)
            unseen = validation.rows(binning, threads, labels=labels_of(validation.labels))
        trees, weights = boost(rows, unseen, binning, growing, boosting, threads)
    return trees, weights, training.feature_count, tree_uids("dtr", len(trees))


def judged_by_round(model: EnsembleModel, dataset: Dataset, loss: str, labels_of: Labels) -> list[float]:
    """The mean loss of these rows with the first tree, with the first two, and so on."""
    kind = "class" if loss == "logistic" else "number"
    parts = [
        (model.walker.each(block.features), labels_of(block.labels), block.weights)
        for block in Instances(dataset, model.params, label=kind)
    ]
    values, labels, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return errors_by_round(model.tree_weights, LOSSES[loss], values, labels, weights)

"""Measures of predicted classes by the matrix of confusion.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/mllib/evaluation/MulticlassMetrics.scala
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["MulticlassMetrics"]


@dataclass(frozen=True)
class MulticlassMetrics:
    """`confusion[i, j]` is the weight of rows labelled `classes[i]` and predicted `classes[j]`."""

    classes: np.ndarray
    confusion: np.ndarray

    @staticmethod
    def of(parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> "MulticlassMetrics":
        """Of pieces of (predictions, labels, weights)."""
        totals: dict[tuple[float, float], float] = {}
        for predictions, labels, weights in parts:
            pairs, places = np.unique(np.column_stack([labels, predictions]), axis=0, return_inverse=True)
            sums = np.bincount(places.reshape(-1), weights, len(pairs))
            for pair, weight in zip(map(tuple, pairs.tolist()), sums.tolist(), strict=True):
                totals[pair] = totals.get(pair, 0.0) + weight
        classes = np.array(sorted({name for pair in totals for name in pair}))
        confusion = np.zeros((len(classes), len(classes)))
        for (label, prediction), weight in totals.items():
            confusion[np.searchsorted(classes, label), np.searchsorted(classes, prediction)] = weight
        return MulticlassMetrics(classes, confusion)

    @property
    def labels(self) -> np.ndarray:
        """The classes that occur as labels."""
        return self.classes[self._is_label]

    def accuracy(self) -> float:
        return float(np.trace(self.confusion) / self.confusion.sum())

    def hamming_loss(self) -> float:
        return float((self.confusion.sum() - np.trace(self.confusion)) / self.confusion.sum())

    def recall(self) -> np.ndarray:
        """(labels,)"""
        return (
            (np.diag(self.confusion) / self.confusion.sum(axis=1))[self._is_label]
            if len(self.classes)
            else _none()
        )

    true_positive_rate = recall

    def false_positive_rate(self) -> np.ndarray:
        """(labels,)"""
        wrong = self.confusion.sum(axis=0) - np.diag(self.confusion)
        others = self.confusion.sum() - self.confusion.sum(axis=1)
        return _ratio(wrong, others, 0.0)[self._is_label]

    def precision(self) -> np.ndarray:
        """(labels,)"""
        return _ratio(np.diag(self.confusion), self.confusion.sum(axis=0), 0.0)[self._is_label]

    def f_measure(self, beta: float = 1.0) -> np.ndarray:
        """(labels,)"""
        precision, recall = self.precision(), self.recall()
        return _ratio((1 + beta**2) * precision * recall, beta**2 * precision + recall, 0.0)

    def weighted(self, values: np.ndarray) -> float:
        """The average over the labels by their weight."""
        shares = self.confusion.sum(axis=1)[self._is_label] / self.confusion.sum()
        return float(values @ shares)

    def of_label(self, values: np.ndarray, label: float, otherwise: float = 0.0) -> float:
        """The value of one label."""
        found = np.flatnonzero(self.labels == label)
        return float(values[found[0]]) if len(found) else otherwise

    @property
    def _is_label(self) -> np.ndarray:
        return self.confusion.sum(axis=1) > 0


def _ratio(above: np.ndarray, below: np.ndarray, otherwise: float) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), otherwise), where=below != 0)


def _none() -> np.ndarray:
    return np.zeros(0)

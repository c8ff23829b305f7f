"""Curves of a score against two classes: ROC, precision and recall, F-measure by threshold.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/mllib/evaluation/BinaryClassificationMetrics.scala
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["BinaryMetrics"]


@dataclass(frozen=True)
class BinaryMetrics:
    """Cumulative weights of positives and negatives, from the highest score to the lowest."""

    thresholds: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    @staticmethod
    def of(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, bins: int) -> "BinaryMetrics":
        """One point for every distinct score, or about `bins` of them if there are many more."""
        distinct, places = np.unique(scores, return_inverse=True)
        is_positive = labels > 0.5
        positives = np.bincount(places, weights * is_positive, len(distinct))[::-1]
        negatives = np.bincount(places, weights * ~is_positive, len(distinct))[::-1]
        thresholds = distinct[::-1]
        group = len(distinct) // bins if bins else 0
        if group >= 2:
            starts = np.arange(0, len(distinct), group)
            thresholds = thresholds[starts]
            positives, negatives = np.add.reduceat(positives, starts), np.add.reduceat(negatives, starts)
        return BinaryMetrics(thresholds, np.cumsum(positives), np.cumsum(negatives))

    def roc(self) -> np.ndarray:
        """(points, 2): false positive rate, true positive rate; from (0, 0) to (1, 1)."""
        points = np.column_stack([self._false_positive_rate(), self.recall()])
        return np.concatenate([[[0.0, 0.0]], points, [[1.0, 1.0]]])

    def pr(self) -> np.ndarray:
        """(points, 2): recall, precision; begins at recall 0 with the first precision."""
        precision = self.precision()
        points = np.column_stack([self.recall(), precision])
        return np.concatenate([[[0.0, precision[0] if len(precision) else 1.0]], points])

    def area_under_roc(self) -> float:
        return _area(self.roc())

    def area_under_pr(self) -> float:
        return _area(self.pr())

    def precision(self) -> np.ndarray:
        total = self.positives + self.negatives
        return np.divide(self.positives, total, out=np.ones_like(total), where=total != 0)

    def recall(self) -> np.ndarray:
        return _share(self.positives)

    def f_measure(self, beta: float = 1.0) -> np.ndarray:
        precision, recall = self.precision(), self.recall()
        below = beta**2 * precision + recall
        return np.divide(
            (1 + beta**2) * precision * recall, below, out=np.zeros_like(below), where=below != 0
        )

    def _false_positive_rate(self) -> np.ndarray:
        return _share(self.negatives)


def _share(cumulated: np.ndarray) -> np.ndarray:
    total = cumulated[-1] if len(cumulated) else 0.0
    return cumulated / total if total else np.zeros_like(cumulated)


def _area(curve: np.ndarray) -> float:
    """By trapezoids."""
    return float(np.sum(np.diff(curve[:, 0]) * (curve[1:, 1] + curve[:-1, 1]) / 2.0))

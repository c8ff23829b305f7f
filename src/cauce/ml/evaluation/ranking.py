"""RankingEvaluator: lists of recommendations against the relevant items.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/mllib/evaluation/RankingMetrics.scala
"""

import math
from collections.abc import Callable

from cauce.ml.evaluation.inputs import check_arrays, lists, pieces
from cauce.ml.stage import Dataset, Evaluator

__all__ = ["RankingEvaluator"]


class RankingEvaluator(Evaluator):
    """The average over the lists; one without relevant items counts zero."""

    def evaluate(self, dataset: Dataset) -> float:
        names = [self.params["predictionCol"], self.params["labelCol"]]
        for name in names:
            check_arrays(dataset.schema, name)
        metric, k = METRICS[self.params["metricName"]], self.params["k"]
        total, rows = 0.0, 0
        for (predictions, labels), _ in pieces(dataset, names):
            # Rankings are judged one by one: their lists differ in length.
            for found, true in zip(lists(predictions), lists(labels), strict=True):
                total += metric(found, set(true), k) if true else 0.0
                rows += 1
        return total / rows


def _hits(found: list[float], true: set[float], k: int) -> int:
    return sum(item in true for item in found[:k])


def _average_precision(found: list[float], true: set[float], k: int) -> float:
    total, hits = 0.0, 0
    for place, item in enumerate(found[:k], 1):
        if item in true:
            hits += 1
            total += hits / place
    return total / min(len(true), k)


def _gain(found: list[float], true: set[float], k: int) -> float:
    """The discounted gain, as a share of the best one."""
    gains = [1.0 / math.log(place + 2) for place in range(min(max(len(found), len(true)), k))]
    got = sum(gain for gain, item in zip(gains, found, strict=False) if item in true)
    return got / sum(gains[: len(true)])


METRICS: dict[str, Callable[[list[float], set[float], int], float]] = {
    "meanAveragePrecision": lambda f, t, k: _average_precision(f, t, max(len(f), len(t))),
    "meanAveragePrecisionAtK": _average_precision,
    "precisionAtK": lambda f, t, k: _hits(f, t, k) / k,
    "recallAtK": lambda f, t, k: _hits(f, t, k) / len(t),
    "ndcgAtK": _gain,
}

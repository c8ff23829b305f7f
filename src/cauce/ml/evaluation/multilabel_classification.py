"""MultilabelClassificationEvaluator: sets of predicted labels against the true ones.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/mllib/evaluation/MultilabelMetrics.scala
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cauce.ml.evaluation.inputs import check_arrays, lists, pieces
from cauce.ml.stage import Dataset, Evaluator

__all__ = ["MultilabelClassificationEvaluator"]


@dataclass
class _Counts:
    """Sums over the documents and counts by label."""

    documents: int = 0
    same: int = 0
    accuracy: float = 0.0
    different: int = 0
    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0
    right: Counter = field(default_factory=Counter)
    wrong: Counter = field(default_factory=Counter)
    missed: Counter = field(default_factory=Counter)

    def add(self, predictions: list[float], labels: list[float]) -> None:
        found, true = set(predictions), set(labels)
        both = len(found & true)
        self.documents += 1
        self.same += predictions == labels
        self.accuracy += _ratio(both, len(predictions) + len(labels) - both)
        self.different += len(predictions) + len(labels) - 2 * both
        self.precision += _ratio(both, len(predictions))
        self.recall += _ratio(both, len(labels))
        self.f1 += _ratio(2.0 * both, len(predictions) + len(labels))
        self.right.update(found & true)
        self.wrong.update(found - true)
        self.missed.update(true - found)

    def label_precision(self, label: float) -> float:
        return _ratio(self.right[label], self.right[label] + self.wrong[label])

    def label_recall(self, label: float) -> float:
        return _ratio(self.right[label], self.right[label] + self.missed[label])

    def label_f1(self, label: float) -> float:
        precision, recall = self.label_precision(label), self.label_recall(label)
        return _ratio(2 * precision * recall, precision + recall)

    def label_count(self) -> int:
        return len(self.right.keys() | self.missed.keys())


METRICS: dict[str, Callable[[_Counts, float], float]] = {
    "subsetAccuracy": lambda c, label: c.same / c.documents,
    "accuracy": lambda c, label: c.accuracy / c.documents,
    "hammingLoss": lambda c, label: c.different / (c.documents * c.label_count()),
    "precision": lambda c, label: c.precision / c.documents,
    "recall": lambda c, label: c.recall / c.documents,
    "f1Measure": lambda c, label: c.f1 / c.documents,
    "precisionByLabel": _Counts.label_precision,
    "recallByLabel": _Counts.label_recall,
    "f1MeasureByLabel": _Counts.label_f1,
    "microPrecision": lambda c, label: _ratio(c.right.total(), c.right.total() + c.wrong.total()),
    "microRecall": lambda c, label: _ratio(c.right.total(), c.right.total() + c.missed.total()),
    "microF1Measure": lambda c, label: _ratio(
        2.0 * c.right.total(), 2 * c.right.total() + c.missed.total() + c.wrong.total()
    ),
}


class MultilabelClassificationEvaluator(Evaluator):
    """Judges lists of labels."""

    def evaluate(self, dataset: Dataset) -> float:
        names = [self.params["predictionCol"], self.params["labelCol"]]
        for name in names:
            check_arrays(dataset.schema, name)
        counts = _counted(columns for columns, _ in pieces(dataset, names))
        return float(METRICS[self.params["metricName"]](counts, self.params["metricLabel"]))


def _counted(parts: Iterable[list]) -> _Counts:
    counts = _Counts()
    for predictions, labels in parts:
        # Sets of labels are compared one by one: their lists differ in length.
        for found, true in zip(lists(predictions), lists(labels), strict=True):
            counts.add(found, true)
    return counts


def _ratio(above: float, below: float) -> float:
    return above / below if below else 0.0

"""Summaries: a model judged by the rows it was fitted to, or by others; rows are read when asked for."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.errors import SparkError
from cauce.ml.columns import doubles
from cauce.ml.evaluation.binary_metrics import BinaryMetrics
from cauce.ml.evaluation.multiclass_metrics import MulticlassMetrics
from cauce.ml.stage import Dataset, attribute
from cauce.ml.vectors import as_dense

__all__ = ["BinarySummary", "ClassificationSummary", "Summary"]

BINS = 1000
"""Points of a summary's curves, about."""


class Summary:
    """The predictions of a model and what they are compared with."""

    def __init__(self, model: Any, dataset: Dataset, history: Sequence[float] | None = None) -> None:
        """`history`: the objective after every iteration, of a training summary."""
        self.model = model
        self.dataset = dataset
        self.history = history

    def rows(self, *columns: str) -> Iterator[list[pa.Array]]:
        """These columns of the transformed rows, piece by piece."""
        schema = self.dataset.schema
        for batch in self.dataset.batches(schema.names):
            transformed = self.model.transform(batch, schema)
            yield [transformed.column(name) for name in columns]

    @attribute
    def predictions(self) -> pa.Table:
        """The transformed rows."""
        schema = self.dataset.schema
        return pa.Table.from_batches(
            [self.model.transform(batch, schema) for batch in self.dataset.batches(schema.names)]
        )

    @attribute
    def predictionCol(self) -> str:
        return self.model.params["predictionCol"]

    @attribute
    def labelCol(self) -> str:
        return self.model.params["labelCol"]

    @attribute
    def featuresCol(self) -> str:
        return self.model.params["featuresCol"]

    @attribute
    def objectiveHistory(self) -> list[float]:
        return [float(value) for value in self._training()]

    @attribute
    def totalIterations(self) -> int:
        return len(self._training()) - 1

    def weights(self, array: pa.Array | None, rows: int) -> np.ndarray:
        """Ones without a weight column."""
        return np.ones(rows) if array is None else doubles(array)

    def _training(self) -> Sequence[float]:
        if self.history is None:
            raise SparkError(None, "Only the summary of a training has iterations.")
        return self.history


class ClassificationSummary(Summary):
    """Measures by label and their averages."""

    @cached_property
    def metrics(self) -> MulticlassMetrics:
        params = self.model.params
        names = [params["predictionCol"], params["labelCol"], *self._weight_names()]

        def parts() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
            for prediction, label, *weight in self.rows(*names):
                yield doubles(prediction), doubles(label), self.weights(next(iter(weight), None), len(label))

        return MulticlassMetrics.of(parts())

    def _weight_names(self) -> list[str]:
        """The weight column, if there is one of its name."""
        name = self.model.params.get("weightCol")
        return [name] if name else []

    @attribute
    def weightCol(self) -> str:
        return self.model.params.get("weightCol") or "weightCol"

    @attribute
    def labels(self) -> list[float]:
        return self.metrics.labels.tolist()

    @attribute
    def truePositiveRateByLabel(self) -> list[float]:
        return self.metrics.recall().tolist()

    @attribute
    def falsePositiveRateByLabel(self) -> list[float]:
        return self.metrics.false_positive_rate().tolist()

    @attribute
    def precisionByLabel(self) -> list[float]:
        return self.metrics.precision().tolist()

    @attribute
    def recallByLabel(self) -> list[float]:
        return self.metrics.recall().tolist()

    @attribute
    def fMeasureByLabel(self, beta: float = 1.0) -> list[float]:
        return self.metrics.f_measure(beta).tolist()

    @attribute
    def accuracy(self) -> float:
        return self.metrics.accuracy()

    @attribute
    def weightedTruePositiveRate(self) -> float:
        return self.metrics.weighted(self.metrics.recall())

    @attribute
    def weightedFalsePositiveRate(self) -> float:
        return self.metrics.weighted(self.metrics.false_positive_rate())

    @attribute
    def weightedRecall(self) -> float:
        return self.metrics.weighted(self.metrics.recall())

    @attribute
    def weightedPrecision(self) -> float:
        return self.metrics.weighted(self.metrics.precision())

    @attribute
    def weightedFMeasure(self, beta: float = 1.0) -> float:
        return self.metrics.weighted(self.metrics.f_measure(beta))


class BinarySummary(ClassificationSummary):
    """The curves of a model of two classes."""

    @attribute
    def scoreCol(self) -> str:
        params = self.model.params
        return params.get("probabilityCol") or params["rawPredictionCol"]

    @cached_property
    def curves(self) -> BinaryMetrics:
        params = self.model.params
        names = [self.scoreCol(), params["labelCol"], *self._weight_names()]
        parts = []
        for score, label, *weight in self.rows(*names):
            weights = self.weights(next(iter(weight), None), len(label))
            parts.append((as_dense(score)[:, 1], doubles(label), weights))
        scores, labels, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
        return BinaryMetrics.of(scores, labels, weights, BINS)

    @attribute
    def roc(self) -> pa.Table:
        return _points(self.curves.roc(), "FPR", "TPR")

    @attribute
    def areaUnderROC(self) -> float:
        return self.curves.area_under_roc()

    @attribute
    def pr(self) -> pa.Table:
        return _points(self.curves.pr(), "recall", "precision")

    @attribute
    def fMeasureByThreshold(self, beta: float = 1.0) -> pa.Table:
        return self._by_threshold(self.curves.f_measure(beta), "F-Measure")

    @attribute
    def precisionByThreshold(self) -> pa.Table:
        return self._by_threshold(self.curves.precision(), "precision")

    @attribute
    def recallByThreshold(self) -> pa.Table:
        return self._by_threshold(self.curves.recall(), "recall")

    def _by_threshold(self, values: np.ndarray, name: str) -> pa.Table:
        return _points(np.column_stack([self.curves.thresholds, values]), "threshold", name)


def _points(points: np.ndarray, *names: str) -> pa.Table:
    fields = [pa.field(name, pa.float64(), nullable=False) for name in names]
    return pa.Table.from_arrays([pa.array(column) for column in points.T.copy()], schema=pa.schema(fields))

"""ClusteringEvaluator: the silhouette, by sums of each cluster, in two passes.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/evaluation/ClusteringMetrics.scala
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cauce.errors import SparkError
from cauce.ml.columns import check_vector, doubles
from cauce.ml.evaluation.inputs import check_numeric, pieces, weight_name
from cauce.ml.stage import Dataset, Evaluator
from cauce.ml.vectors import as_dense

__all__ = ["ClusteringEvaluator"]


@dataclass(frozen=True)
class _Clusters:
    """Of every cluster: its number, weight, the sum of its points (a row each) and of their squared norms."""

    names: np.ndarray
    weights: np.ndarray
    sums: np.ndarray
    squares: np.ndarray


class ClusteringEvaluator(Evaluator):
    """How much nearer points are to their own cluster than to the next one."""

    def evaluate(self, dataset: Dataset) -> float:
        params, schema = self.params, dataset.schema
        features, prediction = params["featuresCol"], params["predictionCol"]
        if not _is_list(dataset, features):
            check_vector(schema, features)
        check_numeric(schema, prediction)
        weight_name(params, schema)
        clusters = self._clusters(dataset)
        if len(clusters.names) < 2:
            raise SparkError(None, "assertion failed: Number of clusters must be greater than one.")
        total = weight = 0.0
        for points, names, weights in self._points(dataset):
            total += float(weights @ self._silhouettes(clusters, points, names, weights))
            weight += float(weights.sum())
        return total / weight

    @property
    def _is_cosine(self) -> bool:
        return self.params["distanceMeasure"] == "cosine"

    def _points(self, dataset: Dataset) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Points (of length one for cosines), clusters and weights."""
        params = self.params
        names = [params["featuresCol"], params["predictionCol"]]
        for (column, found), weights in pieces(dataset, names, weight_name(params, dataset.schema)):
            points = _matrix(column)
            if self._is_cosine:
                points = points / np.linalg.norm(points, axis=1, keepdims=True)
            yield points, doubles(found), weights

    def _clusters(self, dataset: Dataset) -> _Clusters:
        sums: dict[float, list] = {}
        for points, found, weights in self._points(dataset):
            for name in np.unique(found).tolist():
                own = found == name
                part = weights[own], points[own]
                new = [part[0].sum(), part[0] @ part[1], part[0] @ (part[1] ** 2).sum(axis=1)]
                sums[name] = [a + b for a, b in zip(sums[name], new, strict=True)] if name in sums else new
        names = sorted(sums)
        columns = [np.array([sums[name][place] for name in names]) for place in range(3)]
        return _Clusters(np.array(names), columns[0], columns[1], columns[2])

    def _silhouettes(
        self, clusters: _Clusters, points: np.ndarray, names: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        rows, own = np.arange(len(points)), np.searchsorted(clusters.names, names)
        inner = points @ clusters.sums.T / clusters.weights
        if self._is_cosine:
            distances = 1.0 - inner
        else:
            distances = (
                (points**2).sum(axis=1)[:, np.newaxis] + clusters.squares / clusters.weights - 2.0 * inner
            )
        others = clusters.weights[own] - weights
        is_alone = others <= 0
        inside = distances[rows, own] * clusters.weights[own] / np.where(is_alone, 1.0, others)
        distances[rows, own] = np.inf
        outside = distances.min(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            near, far = 1.0 - inside / outside, outside / inside - 1.0
        found = np.where(inside < outside, near, np.where(inside > outside, far, 0.0))
        return np.where(is_alone, 0.0, found)


def _is_list(dataset: Dataset, name: str) -> bool:
    schema = dataset.schema
    return name in schema.names and schema[name].dataType.typeName() == "array"


def _matrix(column: pa.Array) -> np.ndarray:
    if pa.types.is_struct(column.type):
        return as_dense(column)
    return np.array(column.to_pylist(), dtype=np.float64)

"""The rows an estimator learns from: labels, weights and features in blocks, checked as Spark checks them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import Vectors

from cauce.errors import SparkError, SparkRuntimeException
from cauce.ml.columns import doubles
from cauce.ml.params import Params
from cauce.ml.stage import Dataset
from cauce.ml.vectors import as_csr, as_dense, dense_rows

__all__ = [
    "Block",
    "Features",
    "Instances",
    "checked_labels",
    "checked_weights",
    "features_of",
    "features_text",
]

Features = Any
"""(rows, features): a numpy matrix, or scipy's csr_array if a vector of the block is sparse."""
KEPT_BYTES_MAX = 4 << 30
"""Blocks beyond this are not kept: every pass reads the rows again."""
INTEGER_MAX = 2**31 - 1
CLASSES_MAX = 100
"""Spark's most classes, unless the label's metadata says more."""


@dataclass(frozen=True)
class Block:
    """Some rows."""

    labels: np.ndarray
    weights: np.ndarray
    features: Features
    extra: np.ndarray | None = None
    """Offsets, or which rows are events, of the estimators that have them."""

    @property
    def nbytes(self) -> int:
        features = self.features
        size = features.nbytes if isinstance(features, np.ndarray) else _csr_bytes(features)
        return size + self.labels.nbytes + self.weights.nbytes


class Instances:
    """The blocks of a dataset, as often as they are asked for; kept in memory if they fit.

    A dataset without rows is refused when it is read.
    """

    def __init__(
        self, dataset: Dataset, params: Params, *, label: str, weighted: bool = True, extra: str | None = None
    ) -> None:
        """`label` is the kind of label: "class" or "number"; `extra` is one more column of numbers."""
        self.dataset = dataset
        self.label = label
        weight = params.get("weightCol") if weighted else None
        self.names = [params["featuresCol"]]
        self.label_name = params["labelCol"]
        self.weight_name = weight or None
        self.when_empty = SparkError(None, "ML algorithm was given empty dataset.")
        self.extra_name = extra or None
        for name in (self.label_name, self.weight_name, self.extra_name):
            self.names += [name] if name and name not in self.names else []
        self._kept: list[Block] | None = None

    def __iter__(self) -> Iterator[Block]:
        if self._kept is not None:
            return iter(self._kept)
        return self._read()

    def _read(self) -> Iterator[Block]:
        kept, size, rows = [], 0, 0
        for batch in self.dataset.batches(self.names):
            if batch.num_rows:
                block = self._block(batch)
                rows, size = rows + batch.num_rows, size + block.nbytes
                if size <= KEPT_BYTES_MAX:
                    kept.append(block)
                yield block
        if rows == 0:
            raise self.when_empty
        if size <= KEPT_BYTES_MAX:
            self._kept = kept

    def _block(self, batch: pa.RecordBatch) -> Block:
        columns = dict(zip(self.names, batch.columns, strict=True))
        labels = checked_labels(columns[self.label_name], is_class=self.label == "class")
        weights = checked_weights(columns[self.weight_name]) if self.weight_name else np.ones(batch.num_rows)
        extra = doubles(columns[self.extra_name]) if self.extra_name else None
        features = features_of(columns[self.names[0]])
        _check_features(features)
        return Block(labels, weights, features, extra)


def features_of(column: pa.Array) -> Features:
    """Vectors as a matrix, or as CSR if any is sparse."""
    if column.null_count:
        raise _refused("Vectors MUST NOT be Null")
    return as_dense(column) if dense_rows(column).all() else as_csr(column)


def checked_labels(column: pa.Array, *, is_class: bool = False) -> np.ndarray:
    labels = doubles(column)
    _refuse(np.isnan(labels), labels, "Labels MUST NOT be Null or NaN")
    if is_class:
        _refuse(labels != np.floor(labels), labels, "Labels MUST be Integers, but got {}")
        outside = (labels < 0) | (labels >= CLASSES_MAX)
        _refuse(outside, labels, f"Labels MUST be in [0, {CLASSES_MAX}), but got {{}}")
    else:
        _refuse(np.isinf(labels), labels, "Labels MUST NOT be Infinity, but got {}")
    return labels


def checked_weights(column: pa.Array) -> np.ndarray:
    weights = doubles(column)
    _refuse(np.isnan(weights), weights, "Weights MUST NOT be Null or NaN")
    outside = (weights < 0) | np.isinf(weights)
    _refuse(outside, weights, "Weights MUST NOT be Negative or Infinity, but got {}")
    return weights


def _check_features(features: Features) -> None:
    values = features if isinstance(features, np.ndarray) else features.data
    if not np.isfinite(values).all():
        told = features_text(features, lambda row: not np.isfinite(row).all())
        raise _refused(f"Vector values MUST NOT be NaN or Infinity, but got {told}")


def features_text(features: Features, is_wrong: Callable[[np.ndarray], bool]) -> str:
    """The first wrong row, as Spark writes a vector."""
    if isinstance(features, np.ndarray):
        row = next(row for row in features if is_wrong(row))
        return _java_vector(str(Vectors.dense(row)))
    ends = features.indptr
    spans = [slice(first, last) for first, last in zip(ends[:-1], ends[1:], strict=True)]
    span = next(span for span in spans if is_wrong(features.data[span]))
    size, places = features.shape[1], features.indices[span].tolist()
    return _java_vector(str(Vectors.sparse(size, places, features.data[span].tolist())))


def _java_vector(text: str) -> str:
    return text.replace("nan", "NaN").replace("inf", "Infinity")


def _refuse(wrong: np.ndarray, values: np.ndarray, message: str) -> None:
    if wrong.any():
        raise _refused(message.format(_java_text(float(values[wrong][0]))))


def _refused(message: str) -> SparkRuntimeException:
    return SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=message)


def _java_text(value: float) -> str:
    return "Infinity" if value == np.inf else "-Infinity" if value == -np.inf else repr(value)


def _csr_bytes(rows: sp.csr_array) -> int:
    return rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes

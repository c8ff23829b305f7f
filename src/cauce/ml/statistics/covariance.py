"""Covariances and correlations of the features of a vector column."""

import numpy as np
import pyarrow as pa

from cauce.errors import IllegalArgumentException, NoSuchElementException
from cauce.ml.columns import check_vector
from cauce.ml.stage import Dataset
from cauce.ml.vectors import as_dense, matrix_column

__all__ = ["Covariance", "correlation", "covariance_of"]


class Covariance:
    """Sums of numbers and products, less the mean of the first rows so that large numbers keep digits."""

    def __init__(self, first: np.ndarray) -> None:
        self.shift = first.mean(axis=0)
        self.count = 0
        self.sums = np.zeros(first.shape[1])
        self.products = np.zeros((first.shape[1], first.shape[1]))

    def add(self, rows: np.ndarray) -> None:
        """Take in (rows, size) numbers."""
        moved = rows - self.shift
        self.count += len(rows)
        self.sums += moved.sum(axis=0)
        self.products += moved.T @ moved

    @property
    def matrix(self) -> np.ndarray:
        """The unbiased covariances."""
        return (self.products - np.outer(self.sums, self.sums) / self.count) / max(self.count - 1, 1)

    @property
    def correlations(self) -> np.ndarray:
        """Pearson's; NaN with what does not vary, 1 with itself."""
        matrix = self.matrix
        deviations = np.sqrt(np.diag(matrix))
        still = np.abs(deviations) <= 1e-12
        with np.errstate(divide="ignore", invalid="ignore"):
            found = matrix / np.outer(deviations, deviations)
        found[still, :] = np.nan
        found[:, still] = np.nan
        np.fill_diagonal(found, 1.0)
        return found


def covariance_of(dataset: Dataset, name: str) -> Covariance:
    """Gathered in one pass."""
    found: Covariance | None = None
    for batch in dataset.batches([name]):
        if batch.num_rows:
            rows = as_dense(batch.column(0))
            found = found or Covariance(rows)
            found.add(rows)
    if found is None:
        raise NoSuchElementException(None, "head of empty array")
    return found


def correlation(dataset: Dataset, name: str, method: str) -> pa.Table:
    """`Correlation.corr`: one row, one matrix."""
    check_vector(dataset.schema, name)
    if method == "pearson":
        found = covariance_of(dataset, name).correlations
    elif method == "spearman":
        found = _ranked(dataset, name).correlations
    else:
        raise IllegalArgumentException(
            None, f"method {method} is not supported. Supported correlations: pearson, spearman"
        )
    return pa.table({f"{method}({name})": matrix_column(found)})


def _ranked(dataset: Dataset, name: str) -> Covariance:
    """Of ranks, for which all rows are needed; equal numbers share the mean of their ranks."""
    from scipy.stats import rankdata

    column = dataset.table([name]).column(0).combine_chunks()
    if not len(column):
        raise NoSuchElementException(None, "head of empty array")
    ranks = rankdata(as_dense(column), axis=0)
    found = Covariance(ranks)
    found.add(ranks)
    return found

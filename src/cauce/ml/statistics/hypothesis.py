"""Tests of whether features and a label have to do with each other: chi-squared, ANOVA and F of a regression.

Each gives a p-value, degrees of freedom and a statistic for every feature. They are made of sums gathered in
one pass: of classes and of values, never of rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import special

from cauce.errors import SparkError
from cauce.ml.columns import check_numeric, check_vector, doubles
from cauce.ml.stage import Dataset
from cauce.ml.vectors import as_dense, dense_column

__all__ = ["Results", "analysis_of_variance", "chi_square_test", "chi_squared", "regression"]

VALUES_MAX = 10_000
TOO_MANY = "Chi-square test expect factors (categorical values) but found more than {} distinct {} values{}."


@dataclass(frozen=True)
class Results:
    """One entry for each feature."""

    p_values: np.ndarray
    degrees: np.ndarray
    statistics: np.ndarray


def chi_squared(dataset: Dataset, features: str, label: str) -> Results:
    """Pearson's test of independence; values and labels are categories."""
    tables: list[dict[tuple[float, float], int]] = []
    for rows, labels in _pieces(dataset, features, label):
        tables = tables or [{} for _ in range(rows.shape[1])]
        for place, table in enumerate(tables):
            pairs, counts = np.unique(np.column_stack([rows[:, place], labels]), axis=0, return_counts=True)
            for (value, one), count in zip(pairs.tolist(), counts.tolist(), strict=True):
                table[value, one] = table.get((value, one), 0) + count
            _check_categories(table, place)
    found = [_independence(table) for table in tables]
    degrees, statistics = (np.array(column) for column in zip(*found, strict=True))
    p_values = np.where(degrees == 0, 1.0, 1.0 - special.chdtr(np.maximum(degrees, 1), statistics))
    return Results(p_values, degrees.astype(np.int64), statistics)


def analysis_of_variance(dataset: Dataset, features: str, label: str) -> Results:
    """Whether the mean of a feature differs between the classes of the label."""
    counts: dict[float, int] = {}
    sums: dict[float, np.ndarray] = {}
    squares = np.zeros(0)
    for rows, labels in _pieces(dataset, features, label):
        squares = (squares if len(squares) else np.zeros(rows.shape[1])) + (rows * rows).sum(axis=0)
        for one in np.unique(labels).tolist():
            inside = rows[labels == one]
            counts[one] = counts.get(one, 0) + len(inside)
            sums[one] = sums.get(one, 0.0) + inside.sum(axis=0)
    count, classes = sum(counts.values()), len(counts)
    total = np.sum(list(sums.values()), axis=0)
    between = sum(sums[one] ** 2 / counts[one] for one in sums) - total**2 / count
    within = squares - total**2 / count - between
    above, below = classes - 1, count - classes
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = (between / above) / (within / below)
    p_values = 1.0 - special.fdtr(above, below, statistics)
    return Results(p_values, np.full(len(total), above + below), statistics)


def regression(dataset: Dataset, features: str, label: str) -> Results:
    """Whether a feature and a continuous label go up and down together."""
    count, shift, sums, products = 0, np.zeros(0), np.zeros(0), np.zeros(0)
    for rows, labels in _pieces(dataset, features, label):
        both = np.column_stack([rows, labels])
        shift = shift if len(shift) else both.mean(axis=0)
        moved = both - shift
        sums = moved.sum(axis=0) + (sums if len(sums) else 0.0)
        products = moved.T @ moved + (products if len(products) else 0.0)
        count += len(both)
    covariance = products - np.outer(sums, sums) / count
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = covariance[:-1, -1] / np.sqrt(np.diag(covariance)[:-1] * covariance[-1, -1])
        statistics = correlation**2 / (1 - correlation**2) * (count - 2)
    p_values = 1.0 - special.fdtr(1, count - 2, statistics)
    return Results(p_values, np.full(len(statistics), count - 2), statistics)


def _pieces(dataset: Dataset, features: str, label: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for batch in dataset.batches([features, label]):
        if batch.num_rows:
            vectors: pa.StructArray = batch.column(0)
            yield as_dense(vectors), doubles(batch.column(1))


def _check_categories(table: dict[tuple[float, float], int], place: int) -> None:
    for side, name, where in ((0, "feature", f" in column {place}"), (1, "label", "")):
        if len(table) > VALUES_MAX and len({pair[side] for pair in table}) > VALUES_MAX:
            raise SparkError(None, TOO_MANY.format(VALUES_MAX, name, where))


def _independence(table: dict[tuple[float, float], int]) -> tuple[int, float]:
    """(degrees of freedom, statistic) of a table of counts by (value, label)."""
    values, rows = np.unique([value for value, _ in table], return_inverse=True)
    labels, columns = np.unique([label for _, label in table], return_inverse=True)
    counts = np.zeros((len(values), len(labels)))
    counts[rows, columns] = list(table.values())
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return (len(values) - 1) * (len(labels) - 1), float(((counts - expected) ** 2 / expected).sum())


def chi_square_test(dataset: Dataset, features: str, label: str, flatten: bool) -> pa.Table:
    """`ChiSquareTest.test`: one row of vectors, or one row for each feature."""
    check_vector(dataset.schema, features)
    check_numeric(dataset.schema, label)
    found = chi_squared(dataset, features, label)
    degrees = found.degrees.astype(np.int32)
    if flatten:
        columns = {
            "featureIndex": pa.array(np.arange(len(degrees), dtype=np.int32)),
            "pValue": pa.array(found.p_values),
            "degreesOfFreedom": pa.array(degrees),
            "statistic": pa.array(found.statistics),
        }
        fields = [pa.field(name, cells.type, nullable=False) for name, cells in columns.items()]
        return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
    lists = pa.array([degrees.tolist()], pa.list_(pa.field("element", pa.int32(), nullable=False)))
    vectors = [dense_column(numbers.reshape(1, -1)) for numbers in (found.p_values, found.statistics)]
    return pa.table({"pValues": vectors[0], "degreesOfFreedom": lists, "statistics": vectors[1]})

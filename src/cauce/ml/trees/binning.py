"""Features cut into bins: which splits a feature offers, and the bin of every value.

As MLlib's DecisionTreeMetadata and RandomForest.findSplits: up to maxBins - 1 thresholds midway between
neighbouring values at even strides of weight; categories are their own bins. Beyond max(maxBins^2, 10000)
rows Spark looks at a random sample of that size; so does this, but the seed draws other rows.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from cauce.errors import IllegalArgumentException
from cauce.ml.instances import Features
from cauce.ml.pieces import dense_pieces
from cauce.ml.trees.histograms import fill_bins
from cauce.ml.trees.splitting import CONTINUOUS, ORDERED, UNORDERED

__all__ = ["Binning", "find_binning"]

SAMPLE_ROWS_MIN = 10_000


@dataclass(frozen=True)
class Binning:
    """How each feature is cut. kinds: CONTINUOUS, ORDERED or UNORDERED; thresholds: of continuous ones."""

    kinds: np.ndarray
    sizes: np.ndarray
    thresholds: tuple[np.ndarray, ...]
    arities: Mapping[int, int]

    @property
    def feature_count(self) -> int:
        return len(self.kinds)

    @property
    def bin_count(self) -> int:
        """The most bins of any feature."""
        return max(int(self.sizes.max()), 1)

    @property
    def category_count(self) -> int:
        """The most categories of any categorical feature, at least 1."""
        return max([1, *self.sizes[self.kinds != CONTINUOUS]])

    def bins(self, blocks: Sequence[Features], threads: ThreadPoolExecutor) -> np.ndarray:
        """(rows, features): the bin of every value, as small integers."""
        kind = np.uint8 if self.bin_count <= 256 else np.uint16
        found = np.empty((sum(block.shape[0] for block in blocks), self.feature_count), dtype=kind)
        starts = np.cumsum([0, *map(len, self.thresholds)])
        thresholds = np.concatenate(self.thresholds)
        waiting, row = [], 0
        for block in blocks:
            for piece in dense_pieces(block):
                part = found[row : row + len(piece)]
                waiting.append(threads.submit(self._fill, piece, thresholds, starts, part))
                row += len(piece)
        for one in waiting:
            one.result()
        return found

    def _fill(self, values: np.ndarray, thresholds: np.ndarray, starts: np.ndarray, bins: np.ndarray) -> None:
        """A categorical feature has no thresholds, so its bins are written after the others."""
        fill_bins(values, thresholds, starts, bins)
        for feature, arity in self.arities.items():
            column = values[:, feature]
            bad = column[~((column >= 0) & (column < arity))]
            if len(bad):
                raise IllegalArgumentException(
                    None,
                    f"DecisionTree given invalid data: Feature {feature} is categorical with values in "
                    f"{{0,...,{arity - 1}, but a data point gives it value {bad[0]}.",
                )
            bins[:, feature] = column.astype(bins.dtype)


def find_binning(
    blocks: Sequence[Features],
    weights: np.ndarray,
    *,
    arities: Mapping[int, int],
    class_count: int,
    bins_max: int,
    seed: int,
) -> Binning:
    """The cuts for these rows; `arities`: how many categories features have, class_count 0: regression."""
    rows = len(weights)
    bins_max = min(bins_max, rows)
    _check_arities(arities, bins_max)
    sample = _Sample.of(blocks, weights, bins_max, seed)
    kinds, sizes, thresholds = [], [], []
    for feature in range(sample.width):
        arity = arities.get(feature, 0)
        kinds.append(_kind(arity, class_count, bins_max))
        cuts = sample.cuts(feature, bins_max - 1) if feature not in arities else np.empty(0)
        sizes.append(arity if arity > 1 else len(cuts) + 1)
        thresholds.append(cuts)
    return Binning(np.array(kinds), np.array(sizes), tuple(thresholds), arities)


def _kind(arity: int, class_count: int, bins_max: int) -> int:
    """A categorical feature of one category is treated as continuous without cuts (SPARK-9957)."""
    if arity < 2:
        return CONTINUOUS
    unordered_max = math.floor(math.log(bins_max // 2 + 1) / math.log(2.0) + 1)
    return UNORDERED if class_count > 2 and arity <= unordered_max else ORDERED


def _check_arities(arities: Mapping[int, int], bins_max: int) -> None:
    if not arities:
        return
    feature, most = max(arities.items(), key=lambda item: item[1])
    if most > bins_max:
        raise IllegalArgumentException(
            None,
            f"requirement failed: DecisionTree requires maxBins (= {bins_max}) to be at least as large as "
            f"the number of values in each categorical feature, but categorical feature {feature} has {most} "
            "values. Consider removing this and other categorical features with a large number of values, or "
            "add more training examples.",
        )


@dataclass(frozen=True)
class _Sample:
    """The rows that cuts are found with; `expected` is the weight they should have."""

    columns: np.ndarray
    weights: np.ndarray
    expected: float

    @property
    def width(self) -> int:
        return self.columns.shape[1]

    @classmethod
    def of(cls, blocks: Sequence[Features], weights: np.ndarray, bins_max: int, seed: int) -> "_Sample":
        rows, wanted = len(weights), max(bins_max * bins_max, SAMPLE_ROWS_MIN)
        if rows <= wanted:
            return cls(_dense(blocks), weights, float(weights.sum()))
        taken = np.sort(np.random.default_rng(seed % 2**64).choice(rows, wanted, replace=False))
        starts = np.cumsum([0, *(block.shape[0] for block in blocks)])
        places = np.searchsorted(taken, starts)
        pieces = [
            block[taken[first:last] - start]
            for block, start, first, last in zip(blocks, starts, places, places[1:], strict=False)
        ]
        return cls(_dense(pieces), weights[taken], float(weights[taken].sum()))

    def cuts(self, feature: int, count: int) -> np.ndarray:
        """Thresholds of a continuous feature, at most `count` unless weights are very uneven."""
        values, places = np.unique(self.columns[:, feature], return_inverse=True)
        if len(values) - 1 <= count:
            return (values[:-1] + values[1:]) / 2.0
        return _strided(
            values, np.bincount(places.ravel(), weights=self.weights), self.expected / (count + 1)
        )


def _strided(values: np.ndarray, weights: np.ndarray, stride: float) -> np.ndarray:
    """The midpoint after each value at which the weight so far is closest to a multiple of the stride."""
    reached = np.cumsum(weights)
    cuts, target = [], stride
    for index in range(1, len(values)):  # as many steps as the sample has values: at most some ten thousand
        if abs(reached[index - 1] - target) < abs(reached[index] - target):
            cuts.append((values[index - 1] + values[index]) / 2.0)
            target += stride
    return np.array(cuts)


def _dense(blocks: Sequence[Features]) -> np.ndarray:
    return np.concatenate([piece for block in blocks for piece in dense_pieces(block)])

"""The compiled search for the best split of a node, in MLlib's order and with its arithmetic.

Impurities and gains are computed with the operations of Apache Spark's Gini, Entropy and Variance in their
order, and the first of equal gains wins, so that ties between splits fall as they fall there
(RandomForest.binsToBestSplit). A node's statistics are the weights of its classes, or its weight, weighted
sum and weighted sum of squares; the number of rows comes last.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

__all__ = [
    "CONTINUOUS",
    "ENTROPY",
    "GINI",
    "ORDERED",
    "UNORDERED",
    "VARIANCE",
    "Found",
    "Search",
    "impurities",
    "search",
]

GINI, ENTROPY, VARIANCE = 0, 1, 2
CONTINUOUS, ORDERED, UNORDERED = 0, 1, 2
INVALID_GAIN = float(np.finfo(np.float64).min)
LARGEST = float(np.finfo(np.float64).max)


class Search(NamedTuple):
    """What splits are allowed. kinds, sizes: of each feature, and its number of bins or categories."""

    impurity: int
    kinds: Any
    sizes: Any
    rows_min: int
    weight_min: float
    gain_min: float


class Found(NamedTuple):
    """The best split of each node, to be written; a feature of -1: none can split, else as Descent.

    parents: the nodes' statistics, written for the root; lefts and rights: those of both sides.
    """

    parents: Any
    gains: Any
    features: Any
    cuts: Any
    goes_left: Any
    lefts: Any
    rights: Any


@njit(cache=True, nogil=True)
def weight_of(stats: Any, impurity: int) -> float:
    """The weight of the rows behind `stats`."""
    if impurity == VARIANCE:
        return stats[0]
    total = 0.0
    for i in range(stats.shape[0] - 1):
        total += stats[i]
    return total


@njit(cache=True, nogil=True)
def impurity_of(stats: Any, impurity: int) -> float:
    """Gini or entropy of the classes, or the variance of the labels; 0 of nothing."""
    total = weight_of(stats, impurity)
    if total == 0.0:
        return 0.0
    if impurity == VARIANCE:
        return (stats[2] - (stats[1] * stats[1]) / total) / total
    value = 1.0 if impurity == GINI else 0.0
    for i in range(stats.shape[0] - 1):
        share = stats[i] / total
        if impurity == GINI:
            value -= share * share
        elif stats[i] != 0.0:
            value -= share * (np.log(share) / np.log(2.0))
    return value


@njit(cache=True, nogil=True)
def impurities(stats: Any, impurity: int) -> Any:
    """The impurity of each row of statistics."""
    values = np.empty(stats.shape[0])
    for i in range(stats.shape[0]):
        values[i] = impurity_of(stats[i], impurity)
    return values


@njit(cache=True, nogil=True)
def gain_of(left: Any, right: Any, before: float, search: Search) -> float:
    """The information gain over the impurity `before`, or INVALID_GAIN."""
    rows_at = left.shape[0] - 1
    if left[rows_at] < search.rows_min or right[rows_at] < search.rows_min:
        return INVALID_GAIN
    left_weight, right_weight = weight_of(left, search.impurity), weight_of(right, search.impurity)
    if left_weight < search.weight_min or right_weight < search.weight_min:
        return INVALID_GAIN
    total = left_weight + right_weight
    left_loss = left_weight / total * impurity_of(left, search.impurity)
    right_loss = right_weight / total * impurity_of(right, search.impurity)
    gain = before - left_loss - right_loss
    return INVALID_GAIN if gain < search.gain_min else gain


@njit(cache=True, nogil=True)
def centroid(stats: Any, impurity: int) -> float:
    """What the categories of an ordered feature are sorted by."""
    if weight_of(stats, impurity) == 0.0:
        return LARGEST
    if impurity == VARIANCE:
        return stats[1] / stats[0]
    return stats[1] if stats.shape[0] == 3 else impurity_of(stats, impurity)


@njit(cache=True, nogil=True)
def order_of(cells: Any, kind: int, size: int, impurity: int) -> Any:
    """The order in which bins move to the left side."""
    order = np.empty(size, dtype=np.int64)
    keys = np.empty(size)
    for i in range(size):
        place = i
        if kind == ORDERED:  # stable insertion: there are few categories, and this compiles fast
            keys[i] = centroid(cells[i], impurity)
            key = keys[i]
            while place > 0 and keys[place - 1] > key:
                keys[place] = keys[place - 1]
                order[place] = order[place - 1]
                place -= 1
            keys[place] = key
        order[place] = i
    return order


@njit(cache=True, nogil=True)
def add(to: Any, stats: Any) -> None:
    """to += stats (a loop, as everywhere here: array expressions take numba long to compile)."""
    for i in range(to.shape[0]):
        to[i] += stats[i]


@njit(cache=True, nogil=True)
def left_of(cells: Any, kind: int, order: Any, split: int, left: Any) -> None:
    """The statistics left of split number `split`, given those of the one before it.

    Split number s of an unordered feature has the categories on the left whose bits are set in s + 1.
    """
    if kind != UNORDERED:
        add(left, cells[order[split]])
        return
    for i in range(left.shape[0]):
        left[i] = 0.0
    for i in range(order.shape[0]):
        if ((split + 1) >> i) & 1:
            add(left, cells[i])


@njit(cache=True, nogil=True)
def keep(found: Found, slot: int, feature: int, split: int, kind: int, order: Any) -> None:
    """Write down which bins go left."""
    found.features[slot] = feature
    found.cuts[slot] = split
    if kind == CONTINUOUS:
        return
    for i in range(found.goes_left.shape[1]):
        found.goes_left[slot, i] = False
    for i in range(order.shape[0]):
        if kind == UNORDERED:
            found.goes_left[slot, i] = ((split + 1) >> i) & 1 == 1
        else:
            found.goes_left[slot, order[i]] = i <= split


@njit(cache=True, nogil=True)
def search(histogram: Any, subsets: Any, search: Search, found: Found, is_root: bool) -> None:
    """The best split of each node of `histogram` among its features in `subsets`."""
    width = histogram.shape[3]
    left, right, total = np.zeros(width), np.zeros(width), np.zeros(width)
    for slot in range(histogram.shape[0]):
        parent = found.parents[slot]
        is_known = not is_root
        before = impurity_of(parent, search.impurity)
        found.features[slot] = -1
        found.gains[slot] = INVALID_GAIN
        for k in range(subsets.shape[1]):
            feature = subsets[slot, k]
            kind, size = search.kinds[feature], search.sizes[feature]
            cells = histogram[slot, k]
            order = order_of(cells, kind, size, search.impurity)
            for i in range(width):
                left[i] = 0.0
                total[i] = 0.0
            for i in range(size):
                add(total, cells[order[i]])
            for split in range((1 << (size - 1)) - 1 if kind == UNORDERED else size - 1):
                left_of(cells, kind, order, split, left)
                for i in range(width):
                    right[i] = total[i] - left[i]
                if not is_known:
                    for i in range(width):
                        parent[i] = left[i] + right[i]
                    before = impurity_of(parent, search.impurity)
                    is_known = True
                gain = gain_of(left, right, before, search)
                if found.features[slot] < 0 or gain > found.gains[slot]:
                    found.gains[slot] = gain
                    for i in range(width):
                        found.lefts[slot, i] = left[i]
                        found.rights[slot, i] = right[i]
                    keep(found, slot, feature, split, kind, order)

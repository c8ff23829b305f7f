"""The compiled loops over rows while a tree grows: adding up bins, and moving rows to child nodes.

Compiled by numba at first use (kept beside the module or in the user's cache), without the GIL, so that two
threads share the work. Sums are taken in row order, so they are the same however many threads there are.
"""

from typing import Any, NamedTuple

from numba import njit

__all__ = ["Descent", "Rows", "add_classes", "add_labels", "fill_bins", "move"]


class Rows(NamedTuple):
    """Training rows. bins: (rows, features) integers; counts: how often each row was drawn for this tree."""

    bins: Any
    labels: Any
    weights: Any
    counts: Any


class Descent(NamedTuple):
    """Where rows go from each node of a level; a feature of -1 ends there, as do children of -1.

    Categories in `goes_left` go left, or bins up to `cuts` where `is_category` is false.
    """

    features: Any
    cuts: Any
    is_category: Any
    goes_left: Any
    lefts: Any
    rights: Any


@njit(cache=True, nogil=True)
def add_classes(histogram: Any, rows: Rows, slots: Any, subsets: Any, first: int, last: int) -> None:
    """histogram[node, k, bin] += (weight of each class..., rows), for features first <= k < last of a node.

    `slots` holds each row's node or -1, `subsets` the features of each node.
    """
    rows_at = histogram.shape[3] - 1
    for row in range(rows.bins.shape[0]):
        slot = slots[row]
        count = rows.counts[row]
        if slot < 0 or count == 0:
            continue
        weight = rows.weights[row] * count
        label = rows.labels[row]
        for k in range(first, last):
            at = rows.bins[row, subsets[slot, k]]
            histogram[slot, k, at, label] += weight
            histogram[slot, k, at, rows_at] += count


@njit(cache=True, nogil=True)
def add_labels(histogram: Any, rows: Rows, slots: Any, subsets: Any, first: int, last: int) -> None:
    """As add_classes, for regression: (weight, weighted sum, weighted sum of squares, rows)."""
    for row in range(rows.bins.shape[0]):
        slot = slots[row]
        count = rows.counts[row]
        if slot < 0 or count == 0:
            continue
        weight = rows.weights[row] * count
        weighted = weight * rows.labels[row]
        squared = weighted * rows.labels[row]
        for k in range(first, last):
            at = rows.bins[row, subsets[slot, k]]
            histogram[slot, k, at, 0] += weight
            histogram[slot, k, at, 1] += weighted
            histogram[slot, k, at, 2] += squared
            histogram[slot, k, at, 3] += count


@njit(cache=True, nogil=True)
def move(bins: Any, slots: Any, descent: Descent) -> None:
    """Each row's slot becomes the slot of the child it falls into."""
    for row in range(slots.shape[0]):
        slot = slots[row]
        if slot < 0:
            continue
        feature = descent.features[slot]
        if feature < 0:
            slots[row] = -1
            continue
        at = bins[row, feature]
        is_left = at <= descent.cuts[slot]
        if descent.is_category[slot]:
            is_left = descent.goes_left[slot, at]
        slots[row] = descent.lefts[slot] if is_left else descent.rights[slot]


@njit(cache=True, nogil=True)
def fill_bins(values: Any, thresholds: Any, starts: Any, bins: Any) -> None:
    """bins[row, feature] is the number of the feature's thresholds below the value; NaN is above all of them.

    The thresholds of feature f are thresholds[starts[f]:starts[f + 1]].
    """
    for row in range(values.shape[0]):
        for feature in range(values.shape[1]):
            first, last = starts[feature], starts[feature + 1]
            value = values[row, feature]
            while first < last:
                middle = (first + last) >> 1
                if value <= thresholds[middle]:
                    last = middle
                else:
                    first = middle + 1
            bins[row, feature] = first - starts[feature]

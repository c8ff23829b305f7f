"""The levels of a grown tree become a Tree: needless splits are taken back and nodes numbered in preorder."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from cauce.ml.trees.binning import Binning
from cauce.ml.trees.splitting import CONTINUOUS, INVALID_GAIN, VARIANCE, Found, impurities
from cauce.ml.trees.tree import Tree

__all__ = ["Level", "numbered"]


@dataclass
class Level:
    """The nodes of one depth, left to right; children of split nodes follow two by two in the next level.

    Open nodes are to be searched for a split; gains are 0 for nodes that never were. features: -1 for leaves.
    """

    stats: np.ndarray
    is_open: np.ndarray
    gains: np.ndarray
    features: np.ndarray
    cuts: np.ndarray
    goes_left: np.ndarray

    @classmethod
    def of(cls, stats: np.ndarray, is_open: np.ndarray, category_count: int) -> "Level":
        """Nodes without splits yet."""
        count = len(stats)
        goes_left = np.zeros((count, category_count), dtype=np.bool_)
        features = np.full(count, -1, dtype=np.int32)
        return cls(stats, is_open, np.zeros(count), features, np.zeros(count, dtype=np.int32), goes_left)

    @classmethod
    def joined(cls, levels: "Sequence[Level]") -> "Level":
        """The nodes of all levels."""
        return cls(*(np.concatenate([getattr(level, each.name) for level in levels]) for each in fields(cls)))

    def take(self, nodes: np.ndarray) -> "Level":
        """These nodes only."""
        return Level(*(getattr(self, each.name)[nodes] for each in fields(self)))

    @property
    def is_split(self) -> np.ndarray:
        return self.features >= 0

    def keep(self, nodes: np.ndarray, found: Found) -> None:
        """Write down the splits of these nodes."""
        self.features[nodes] = found.features
        self.cuts[nodes] = found.cuts
        self.goes_left[nodes] = found.goes_left


def numbered(levels: Sequence[Level], binning: Binning, impurity: int) -> Tree:
    """The tree of these levels.

    As LearningNode.toNode: two leaves under one node that predict the same are replaced by that node.
    """
    flat = _Flat.of(levels, impurity)
    order, places = flat.preorder()
    nodes = flat.nodes.take(order)
    is_inner = flat.is_inner[order]
    features = np.where(is_inner, nodes.features, -1)
    kinds = np.where(is_inner, binning.kinds[features], CONTINUOUS)
    categorical = np.flatnonzero(kinds != CONTINUOUS)
    return Tree(
        predictions=flat.predictions[order],
        impurities=_impurities(nodes, impurity),
        stats=np.ascontiguousarray(nodes.stats[:, :-1]),
        row_counts=nodes.stats[:, -1].astype(np.int64),
        gains=np.where(is_inner, nodes.gains, -1.0),
        lefts=np.where(is_inner, places[flat.lefts[order]], -1),
        rights=np.where(is_inner, places[np.minimum(flat.lefts[order] + 1, len(places) - 1)], -1),
        features=features,
        thresholds=_thresholds(features, nodes.cuts, kinds, binning),
        categories={
            int(node): _categories(nodes.goes_left[node], features[node], binning) for node in categorical
        },
        category_counts=np.where(kinds != CONTINUOUS, binning.sizes[features], -1),
        is_regression=impurity == VARIANCE,
    )


@dataclass
class _Flat:
    """All levels, one after the other; lefts: a node's left child, which the right one follows."""

    nodes: Level
    spans: list[slice]
    lefts: np.ndarray
    predictions: np.ndarray
    is_inner: np.ndarray

    @classmethod
    def of(cls, levels: Sequence[Level], impurity: int) -> "_Flat":
        nodes = Level.joined(levels)
        ends = np.cumsum([len(level.stats) for level in levels])
        spans = [slice(end - len(level.stats), end) for level, end in zip(levels, ends, strict=True)]
        lefts = np.full(ends[-1], -1, dtype=np.int64)
        for span in spans:
            split = span.start + np.flatnonzero(nodes.is_split[span])
            lefts[split] = span.stop + 2 * np.arange(len(split))
        return cls(nodes, spans, lefts, _predictions(nodes.stats, impurity), nodes.is_split.copy())

    def preorder(self) -> tuple[np.ndarray, np.ndarray]:
        """The nodes that stay, in preorder, and the place of each node there (-1: it goes)."""
        sizes = np.ones(len(self.lefts), dtype=np.int64)
        for parents, lefts in map(self._children, reversed(self.spans)):
            rights = lefts + 1
            is_same = self.predictions[lefts] == self.predictions[rights]
            is_same &= ~self.is_inner[lefts] & ~self.is_inner[rights]
            self.is_inner[parents] = ~is_same
            sizes[parents] = np.where(is_same, 1, 1 + sizes[lefts] + sizes[rights])
        places = np.full(len(self.lefts), -1, dtype=np.int64)
        places[0] = 0
        for parents, lefts in map(self._children, self.spans):
            places[lefts] = places[parents] + 1
            places[lefts + 1] = places[parents] + 1 + sizes[lefts]
        kept = np.flatnonzero(places >= 0)
        order = np.empty(len(kept), dtype=np.int64)
        order[places[kept]] = kept
        return order, places

    def _children(self, span: slice) -> tuple[np.ndarray, np.ndarray]:
        parents = span.start + np.flatnonzero(self.is_inner[span])
        return parents, self.lefts[parents]


def _predictions(stats: np.ndarray, impurity: int) -> np.ndarray:
    """The mean label, or the class of the most weight, the first of equal ones."""
    if impurity != VARIANCE:
        return stats[:, :-1].argmax(axis=1).astype(np.float64)
    weights = stats[:, 0]
    return np.divide(stats[:, 1], weights, out=np.zeros(len(stats)), where=weights != 0)


def _impurities(nodes: Level, impurity: int) -> np.ndarray:
    values = impurities(nodes.stats, impurity)
    values[nodes.gains == INVALID_GAIN] = -1.0  # Spark's sign of a node that no split was valid for
    return values


def _thresholds(features: np.ndarray, cuts: np.ndarray, kinds: np.ndarray, binning: Binning) -> np.ndarray:
    thresholds = np.zeros(len(features))
    for feature in np.unique(features[(features >= 0) & (kinds == CONTINUOUS)]):
        there = features == feature
        thresholds[there] = binning.thresholds[feature][cuts[there]]
    return thresholds


def _categories(goes_left: np.ndarray, feature: int, binning: Binning) -> tuple[int, ...]:
    return tuple(np.flatnonzero(goes_left[: binning.sizes[feature]]).tolist())

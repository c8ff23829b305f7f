"""A grown tree: its nodes as arrays in preorder, as Apache Spark numbers and prints them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cauce.formats.text_columns import double_text

if TYPE_CHECKING:
    from cauce.ml.trees.walking import Nodes

__all__ = ["Tree", "importances", "joined"]


@dataclass(frozen=True)
class Tree:
    """Arrays by node; the root is node 0 and children follow their parents, left subtree first.

    stats: the weights of the classes, or weight, weighted sum and weighted sum of squares. A leaf has the
    children -1 and the feature -1. categories: of a categorical split, those that go left, ascending; else
    the threshold is in `thresholds`. category_counts is -1 for continuous splits and leaves.
    """

    predictions: np.ndarray
    impurities: np.ndarray
    stats: np.ndarray
    row_counts: np.ndarray
    gains: np.ndarray
    lefts: np.ndarray
    rights: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    categories: dict[int, tuple[int, ...]]
    category_counts: np.ndarray
    is_regression: bool

    @property
    def weights(self) -> np.ndarray:
        """The weight of the rows at each node."""
        return self.stats[:, 0] if self.is_regression else self.stats.sum(axis=1)

    @property
    def node_count(self) -> int:
        return len(self.predictions)

    @cached_property
    def is_leaf(self) -> np.ndarray:
        return self.lefts < 0

    @property
    def leaf_count(self) -> int:
        return int(self.is_leaf.sum())

    @cached_property
    def leaf_numbers(self) -> np.ndarray:
        """Of each node that is a leaf, its number among the leaves."""
        return np.cumsum(self.is_leaf) - 1

    @cached_property
    def depth(self) -> int:
        """Edges from the root to the deepest leaf."""
        depths = np.zeros(self.node_count, dtype=np.int64)
        for node in np.flatnonzero(~self.is_leaf):
            depths[self.lefts[node]] = depths[self.rights[node]] = depths[node] + 1
        return int(depths.max())

    def lines(self, indent: int) -> list[str]:
        """The tree as toDebugString shows it."""
        written: list[str] = []
        predictions = _java_texts(self.predictions)
        waiting: list[tuple[int, int, str]] = [(0, indent, "")]
        while waiting:
            node, depth, title = waiting.pop()
            written += [" " * (depth - 1) + title] if title else []
            if self.is_leaf[node]:
                written.append(" " * depth + f"Predict: {predictions[node]}")
                continue
            yes, no = self._conditions(node)
            waiting.append((int(self.rights[node]), depth + 1, f"Else ({no})"))
            waiting.append((int(self.lefts[node]), depth + 1, f"If ({yes})"))
        return written

    def _conditions(self, node: int) -> tuple[str, str]:
        feature = f"feature {self.features[node]}"
        if node not in self.categories:
            (threshold,) = _java_texts(self.thresholds[node : node + 1])
            return f"{feature} <= {threshold}", f"{feature} > {threshold}"
        names = "{" + ",".join(_java_texts(np.array(self.categories[node], dtype=np.float64))) + "}"
        return f"{feature} in {names}", f"{feature} not in {names}"


def importances(trees: Sequence[Tree], feature_count: int, *, normalize_each: bool) -> np.ndarray:
    """How much each feature's splits gained, as MLlib's TreeEnsembleModel.featureImportances; sums to 1."""
    total = np.zeros(feature_count)
    for tree in trees:
        inner = ~tree.is_leaf
        weights = tree.gains[inner] * tree.weights[inner]
        one = np.bincount(tree.features[inner], weights=weights, minlength=feature_count)
        total += one / one.sum() if normalize_each and one.sum() != 0 else one
    return total / total.sum() if total.sum() != 0 else total


def joined(trees: Sequence[Tree]) -> "Nodes":
    """All trees for the walk; see Nodes."""
    from cauce.ml.trees.walking import Nodes

    starts = np.cumsum([0, *(tree.node_count for tree in trees)])
    sets = np.full(starts[-1], -1, dtype=np.int32)
    thresholds = np.concatenate([tree.thresholds for tree in trees])
    members: list[bool] = []
    for start, tree in zip(starts, trees, strict=False):
        for node, left in tree.categories.items():
            count = int(tree.category_counts[node])
            sets[start + node] = len(members)
            thresholds[start + node] = count
            # Spark remembers the smaller side; a category of neither goes to the other one.
            members += [len(left) > count // 2, *(category in set(left) for category in range(count))]
    return Nodes(
        roots=starts[:-1].astype(np.int32),
        features=np.concatenate([tree.features for tree in trees]).astype(np.int32),
        thresholds=thresholds,
        lefts=_shifted([tree.lefts for tree in trees], starts),
        rights=_shifted([tree.rights for tree in trees], starts),
        sets=sets,
        members=np.array(members or [False]),
    )


def _shifted(children: Sequence[np.ndarray], starts: np.ndarray) -> np.ndarray:
    moved = [np.where(nodes < 0, -1, nodes + start) for nodes, start in zip(children, starts, strict=False)]
    return np.concatenate(moved).astype(np.int32)


def _java_texts(values: np.ndarray) -> list[str]:
    """Doubles as Java prints them."""
    return double_text(pa.array(values)).to_pylist()

"""Many trees at once: each on its own draw of the rows, each node on its own draw of the features.

Draws depend on the seed and the number of the tree alone, so the forest is the same on any number of threads.
They are not Apache Spark's draws, which depend on how its rows are partitioned.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from cauce.errors import IllegalArgumentException
from cauce.ml.trees.binning import Binning
from cauce.ml.trees.growing import Growing, Subsets, grow
from cauce.ml.trees.histograms import Rows
from cauce.ml.trees.tree import Tree

__all__ = ["Draws", "features_per_node", "grow_forest"]

STRATEGIES = "auto, all, onethird, sqrt, log2"


@dataclass(frozen=True)
class Draws:
    """What each tree sees: with replacement (bootstrap) about `rate` of the rows; some features a node."""

    seed: int
    rate: float
    is_bootstrap: bool
    features_per_node: int

    def counts(self, tree: int, rows: int) -> np.ndarray:
        """How often each row is drawn for a tree."""
        random = np.random.default_rng([self.seed % 2**64, tree])
        if self.is_bootstrap:
            return random.poisson(self.rate, rows).astype(np.int32)
        if self.rate < 1.0:
            return (random.random(rows) < self.rate).astype(np.int32)
        return np.ones(rows, dtype=np.int32)

    def subsets(self, tree: int, feature_count: int) -> Subsets:
        """The draws of features for the nodes of a tree."""
        if self.features_per_node >= feature_count:
            every = np.arange(feature_count, dtype=np.int32)
            return lambda nodes: np.tile(every, (nodes, 1))
        random = np.random.default_rng([self.seed % 2**64, tree, 1])

        def drawn(nodes: int) -> np.ndarray:
            order = random.random((nodes, feature_count)).argsort(axis=1)
            return np.sort(order[:, : self.features_per_node], axis=1).astype(np.int32)

        return drawn


def grow_forest(
    rows: Rows, binning: Binning, growing: Growing, draws: Draws, tree_count: int, threads: ThreadPoolExecutor
) -> list[Tree]:
    """The trees, as many at a time as there are threads."""

    def one(tree: int) -> Tree:
        drawn = rows._replace(counts=draws.counts(tree, len(rows.labels)))
        return grow(drawn, binning, growing, draws.subsets(tree, binning.feature_count))

    if tree_count == 1:
        drawn = rows._replace(counts=draws.counts(0, len(rows.labels)))
        return [grow(drawn, binning, growing, draws.subsets(0, binning.feature_count), threads)]
    return list(threads.map(one, range(tree_count)))


def features_per_node(strategy: str, feature_count: int, *, tree_count: int, is_classifier: bool) -> int:
    """featureSubsetStrategy as a number, as DecisionTreeMetadata.buildMetadata counts."""
    if strategy == "auto":
        strategy = "all" if tree_count == 1 else "sqrt" if is_classifier else "onethird"
    match strategy:
        case "all":
            return feature_count
        case "sqrt":
            return math.ceil(math.sqrt(feature_count))
        case "log2":
            return max(1, math.ceil(math.log2(feature_count)))
        case "onethird":
            return math.ceil(feature_count / 3.0)
    if strategy.isdigit() and int(strategy) > 0:
        return min(int(strategy), feature_count)
    try:
        share = float(strategy)
    except ValueError:
        share = 0.0
    if not 0.0 < share <= 1.0:
        raise IllegalArgumentException(None, f"Supported values: {STRATEGIES}, (0.0-1.0], [1-n].")
    return math.ceil(share * feature_count)

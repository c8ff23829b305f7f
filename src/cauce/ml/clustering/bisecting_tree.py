"""A tree of clusters: the largest are split in two until there are k leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cauce.ml.clustering.lloyd import COSINE, Points, closest, cluster, unit_rows
from cauce.ml.instances import Features

__all__ = ["ClusterNode", "leaf_costs", "split_tree"]

TRIES = 8
EPSILON = 2.0**-52


@dataclass
class ClusterNode:
    """A cluster; height: the distance to the farther centre of its children; index: the number of a leaf."""

    center: np.ndarray
    size: int
    cost: float
    height: float = 0.0
    index: int = 0
    children: list["ClusterNode"] = field(default_factory=list)

    def leaves(self) -> list["ClusterNode"]:
        """Left to right."""
        return [self] if not self.children else [leaf for child in self.children for leaf in child.leaves()]

    def descend(self, rows: Features, measure: str) -> np.ndarray:
        """(rows,) the index of the leaf each row falls into, always to the nearer child."""
        if not self.children:
            return np.full(rows.shape[0], self.index)
        centers = np.stack([child.center for child in self.children])
        nearer, _ = closest(rows, centers, measure)
        found = np.empty(rows.shape[0], dtype=np.int64)
        for place, child in enumerate(self.children):
            chosen = np.flatnonzero(nearer == place)
            if len(chosen):
                found[chosen] = child.descend(rows[chosen], measure)
        return found


def split_tree(points: Points, k: int, *, iterations: int, size_min: float, seed: int) -> ClusterNode:
    """The tree: level by level, of the clusters that may be split the largest, until there are k leaves."""
    root = _node(points)
    level = [(root, points)]
    leaf_count, random = 1, np.random.default_rng(seed % 2**64)
    least = size_min if size_min >= 1.0 else int(np.ceil(size_min * points.count))
    while level and leaf_count < k:
        divisible = [
            (node, rows)
            for node, rows in level
            if node.size >= max(least, 2) and node.cost > EPSILON * node.size
        ]
        divisible.sort(key=lambda pair: -pair[0].size)
        level = []
        for node, rows in divisible[: k - leaf_count]:
            parts = _split(rows, iterations, random)
            if len(parts) == 2:
                node.children = [_node(part) for part in parts]
                node.height = float(
                    np.sqrt(max(_distance(node, child, points.measure) for child in node.children))
                )
                level += list(zip(node.children, parts, strict=True))
                leaf_count += 1
    for number, leaf in enumerate(root.leaves()):
        leaf.index = number
    return root


def leaf_costs(
    root: ClusterNode, blocks: Sequence[Features], weights: Sequence[np.ndarray], measure: str
) -> float:
    """The cost of the rows to the centres of the leaves they fall into."""
    leaves = np.stack([leaf.center for leaf in root.leaves()])
    total = 0.0
    for block, block_weights in zip(blocks, weights, strict=True):
        places = root.descend(block, measure)
        for leaf in np.unique(places):
            rows = np.flatnonzero(places == leaf)
            total += float(closest(block[rows], leaves[leaf : leaf + 1], measure)[1] @ block_weights[rows])
    return total


def _split(points: Points, iterations: int, random: np.random.Generator) -> list[Points]:
    """The rows in two parts, the best of some tries."""
    seeds = random.integers(2**62, size=TRIES)
    tries = [
        cluster(
            points, 2, init_mode="k-means||", init_steps=2, iterations=iterations, tol=1e-9, seed=int(seed)
        )
        for seed in seeds
    ]
    best = min(tries, key=lambda found: found.cost)
    parts = [_part(points, best.centers, side) for side in range(len(best.centers))]
    return [part for part in parts if part.count]


def _part(points: Points, centers: np.ndarray, side: int) -> Points:
    blocks, weights = [], []
    for block, block_weights in zip(points.blocks, points.weights, strict=True):
        rows = np.flatnonzero(closest(block, centers, points.measure)[0] == side)
        if len(rows):
            blocks.append(block[rows])
            weights.append(block_weights[rows])
    return Points(blocks, weights, points.measure)


def _node(points: Points) -> ClusterNode:
    total = sum(float(weights.sum()) for weights in points.weights)
    sums = sum(weights @ block for block, weights in zip(points.blocks, points.weights, strict=True))
    center = np.asarray(sums).reshape(1, -1) / max(total, EPSILON)
    center = unit_rows(center) if points.measure == COSINE else center
    cost = sum(
        float(closest(block, center, points.measure)[1] @ weights)
        for block, weights in zip(points.blocks, points.weights, strict=True)
    )
    return ClusterNode(center[0], points.count, cost)


def _distance(node: ClusterNode, child: ClusterNode, measure: str) -> float:
    return float(closest(child.center[np.newaxis], node.center[np.newaxis], measure)[1][0])

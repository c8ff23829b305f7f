"""The compiled walk of rows down grown trees."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

__all__ = ["Nodes", "leaves", "outcomes"]


class Nodes(NamedTuple):
    """The nodes of all trees of a model, one after the other; `roots` says where each tree starts.

    A leaf has no left child (-1). sets: where a node's categories start in `members` (-1: a threshold split);
    there, first where unseen categories go, then for each category whether it goes left. The threshold of a
    categorical node is its number of categories.
    """

    roots: Any
    features: Any
    thresholds: Any
    lefts: Any
    rights: Any
    sets: Any
    members: Any


@njit(cache=True, nogil=True)
def leaf_of(values: Any, nodes: Nodes, root: int) -> int:
    """The leaf one row falls into."""
    node = root
    while nodes.lefts[node] >= 0:
        value = values[nodes.features[node]]
        start = nodes.sets[node]
        if start < 0:
            is_left = value <= nodes.thresholds[node]
        else:
            is_known = 0.0 <= value < nodes.thresholds[node] and value == np.floor(value)
            is_left = nodes.members[start + 1 + int(value)] if is_known else nodes.members[start]
        node = nodes.lefts[node] if is_left else nodes.rights[node]
    return node


@njit(cache=True, nogil=True)
def leaves(values: Any, nodes: Nodes) -> Any:
    """(rows, trees): the node each row ends at in each tree."""
    found = np.empty((values.shape[0], nodes.roots.shape[0]), dtype=np.int32)
    for row in range(values.shape[0]):
        for tree in range(nodes.roots.shape[0]):
            found[row, tree] = leaf_of(values[row], nodes, nodes.roots[tree])
    return found


@njit(cache=True, nogil=True)
def outcomes(values: Any, nodes: Nodes, said: Any) -> Any:
    """(rows, width): what the leaves of all trees say (said: nodes by width), added up tree after tree."""
    sums = np.zeros((values.shape[0], said.shape[1]))
    for row in range(values.shape[0]):
        for tree in range(nodes.roots.shape[0]):
            node = leaf_of(values[row], nodes, nodes.roots[tree])
            for i in range(said.shape[1]):
                sums[row, i] += said[node, i]
    return sums

"""Rows through the trees of a model: what their leaves add up to, and which leaves they are."""

from collections.abc import Sequence

import numpy as np

from cauce.ml.instances import Features
from cauce.ml.pieces import dense_pieces
from cauce.ml.trees.tree import Tree, joined
from cauce.ml.trees.walking import leaves, outcomes

__all__ = ["Walker"]


class Walker:
    """The trees of a model, ready to be walked."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.trees = trees
        self._nodes = joined(trees)

    def sums(self, features: Features, said: Sequence[np.ndarray]) -> np.ndarray:
        """(rows, width): `said` has for each tree what its nodes say, (nodes, width)."""
        table = np.ascontiguousarray(np.concatenate(said), dtype=np.float64)
        parts = [outcomes(piece, self._nodes, table) for piece in _pieces(features)]
        return np.concatenate(parts) if parts else np.empty((0, table.shape[1]))

    def leaf_numbers(self, features: Features) -> np.ndarray:
        """(rows, trees): the number of each row's leaf among the leaves of each tree."""
        numbers = np.concatenate([tree.leaf_numbers for tree in self.trees])
        return numbers[self._leaves(features)].astype(np.float64)

    def each(self, features: Features) -> np.ndarray:
        """(rows, trees): what every tree predicts."""
        return np.concatenate([tree.predictions for tree in self.trees])[self._leaves(features)]

    def _leaves(self, features: Features) -> np.ndarray:
        parts = [leaves(piece, self._nodes) for piece in _pieces(features)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.trees)), dtype=np.int32)


def _pieces(features: Features) -> list[np.ndarray]:
    return [np.ascontiguousarray(piece) for piece in dense_pieces(features) if len(piece)]

"""Growing one tree, level by level: histograms of the nodes, their best splits, rows move to the children.

As MLlib's RandomForest.findBestSplits: a node is a leaf at maxDepth, without a gain, or when it is pure.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from cauce.ml.trees.binning import Binning
from cauce.ml.trees.histograms import Descent, Rows, add_classes, add_labels, move
from cauce.ml.trees.numbering import Level, numbered
from cauce.ml.trees.splitting import CONTINUOUS, VARIANCE, Found, Search, impurities, search
from cauce.ml.trees.tree import Tree

__all__ = ["Growing", "Subsets", "grow"]

Subsets = Callable[[int], np.ndarray]
"""Given a number of nodes, the features each may split on: (nodes, features) int32."""

EPSILON = 2.0**-52
THREAD_ROWS_MIN = 50_000


@dataclass(frozen=True)
class Growing:
    """How trees are grown. class_count 0: regression; weight_min: the least weight of a node."""

    impurity: int
    class_count: int
    depth_max: int
    rows_min: int
    weight_min: float
    gain_min: float
    memory_bytes_max: int

    @property
    def width(self) -> int:
        """Statistics of a node, its number of rows at the end."""
        return 4 if self.impurity == VARIANCE else self.class_count + 1


def grow(
    rows: Rows,
    binning: Binning,
    growing: Growing,
    subsets: Subsets,
    threads: ThreadPoolExecutor | None = None,
) -> Tree:
    """The tree of these rows; `threads` share the work on features if there are many rows."""
    grower = _Grower(rows, binning, growing, subsets, threads)
    slots = np.zeros(len(rows.labels), dtype=np.int32)
    levels = [Level.of(np.zeros((1, growing.width)), np.ones(1, dtype=np.bool_), binning.category_count)]
    while (children := grower.split(levels[-1], slots, depth=len(levels) - 1)) is not None:
        levels.append(children)
    return numbered(levels, binning, growing.impurity)


@dataclass(frozen=True)
class _Grower:
    rows: Rows
    binning: Binning
    growing: Growing
    subsets: Subsets
    threads: ThreadPoolExecutor | None

    def split(self, level: Level, slots: np.ndarray, *, depth: int) -> Level | None:
        """Split the open nodes of a level, move rows to the children, and return these."""
        open_nodes = np.flatnonzero(level.is_open)
        if not len(open_nodes):
            return None
        found = self._found(level.stats[open_nodes], slots, is_root=depth == 0)
        level.stats[open_nodes] = found.parents
        level.gains[open_nodes] = found.gains
        is_split = (found.gains > 0) & (depth < self.growing.depth_max)
        if not is_split.any():
            return None
        level.keep(open_nodes[is_split], Found(*(values[is_split] for values in found)))
        stats = np.stack([found.lefts[is_split], found.rights[is_split]], axis=1).reshape(
            -1, self.growing.width
        )
        is_pure = np.abs(impurities(stats, self.growing.impurity)) < EPSILON
        is_open = ~is_pure & (depth + 1 < self.growing.depth_max)
        children = Level.of(stats, is_open, self.binning.category_count)
        if is_open.any():
            move(self.rows.bins, slots, self._descent(found, is_split, is_open))
        return children

    def _descent(self, found: Found, is_split: np.ndarray, is_open: np.ndarray) -> Descent:
        """Children are numbered two by two; those that are open have slots in that order."""
        child_slots = np.where(is_open, np.cumsum(is_open) - 1, -1).astype(np.int32)
        lefts = np.full(len(is_split), -1, dtype=np.int32)
        rights = lefts.copy()
        lefts[is_split], rights[is_split] = child_slots[0::2], child_slots[1::2]
        return Descent(
            features=np.where(is_split, found.features, np.int32(-1)),
            cuts=found.cuts,
            is_category=self.binning.kinds[found.features] != CONTINUOUS,
            goes_left=found.goes_left,
            lefts=lefts,
            rights=rights,
        )

    def _found(self, parents: np.ndarray, slots: np.ndarray, *, is_root: bool) -> Found:
        """The best splits of all open nodes, as many at a time as memory allows."""
        count, width = len(parents), self.growing.width
        subsets = self.subsets(count)
        found = Found(
            parents=parents,
            gains=np.zeros(count),
            features=np.full(count, -1, dtype=np.int32),
            cuts=np.zeros(count, dtype=np.int32),
            goes_left=np.zeros((count, self.binning.category_count), dtype=np.bool_),
            lefts=np.zeros((count, width)),
            rights=np.zeros((count, width)),
        )
        shape = (subsets.shape[1], self.binning.bin_count, width)
        at_once = max(1, self.growing.memory_bytes_max // (8 * int(np.prod(shape))))
        for start in range(0, count, at_once):
            part = slice(start, min(start + at_once, count))
            here = slots
            if at_once < count:
                here = np.where((slots >= start) & (slots < part.stop), slots - np.int32(start), np.int32(-1))
            histogram = np.zeros((part.stop - start, *shape))
            self._add(histogram, here, subsets[part])
            search(
                histogram, subsets[part], self._search, Found(*(values[part] for values in found)), is_root
            )
        if is_root and found.features[0] < 0:
            found.parents[0] = self._total()
        return found

    @property
    def _search(self) -> Search:
        return Search(
            impurity=self.growing.impurity,
            kinds=self.binning.kinds,
            sizes=self.binning.sizes,
            rows_min=self.growing.rows_min,
            weight_min=self.growing.weight_min,
            gain_min=self.growing.gain_min,
        )

    def _add(self, histogram: np.ndarray, slots: np.ndarray, subsets: np.ndarray) -> None:
        add = add_labels if self.growing.impurity == VARIANCE else add_classes
        width = subsets.shape[1]
        if self.threads is None or len(slots) < THREAD_ROWS_MIN or width < 2:
            add(histogram, self.rows, slots, subsets, 0, width)
            return
        middle = (width + 1) // 2
        other = self.threads.submit(add, histogram, self.rows, slots, subsets, middle, width)
        add(histogram, self.rows, slots, subsets, 0, middle)
        other.result()

    def _total(self) -> np.ndarray:
        """The root's statistics if no feature can split."""
        slots = np.zeros(len(self.rows.labels), dtype=np.int32)
        histogram = np.zeros((1, 1, self.binning.bin_count, self.growing.width))
        self._add(histogram, slots, np.zeros((1, 1), dtype=np.int32))
        return histogram[0, 0].sum(axis=0)

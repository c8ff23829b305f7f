"""Sets of items that occur together often: grown item by item over bitmaps of the baskets they are in.

Any order of search finds the same sets as Apache Spark's FP-growth. For each item, from the rarest on, only
the baskets with that item are looked at, and only for more frequent items: memory is bounded by these.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

__all__ = ["Baskets", "frequent_sets"]


@dataclass(frozen=True)
class Baskets:
    """What is in each basket, by item number; names[item] is the item."""

    starts: np.ndarray
    items: np.ndarray
    item_count: int

    @property
    def count(self) -> int:
        return len(self.starts) - 1


def frequent_sets(baskets: Baskets, count_min: int) -> Iterator[tuple[list[int], int]]:
    """Every set of items in at least `count_min` baskets, the rarest item first, and how many those are."""
    counts = np.bincount(baskets.items, minlength=baskets.item_count)
    ranked = np.argsort(-counts, kind="stable")
    ranked = ranked[counts[ranked] >= count_min]
    ranks = np.full(baskets.item_count, -1)
    ranks[ranked] = np.arange(len(ranked))
    inside = _matrix(baskets, ranks, len(ranked))
    by_item = sp.csc_array(inside)
    for rank in range(len(ranked)):
        yield [int(ranked[rank])], int(counts[ranked[rank]])
        rows = by_item.indices[by_item.indptr[rank] : by_item.indptr[rank + 1]]
        others = inside[rows][:, :rank]
        kept = np.flatnonzero(np.asarray(others.sum(axis=0)) >= count_min)
        bits = np.packbits(others[:, kept].toarray().T.astype(np.bool_), axis=1)
        for more, count in _grown(bits, kept, count_min):
            yield [int(ranked[rank]), *(int(ranked[other]) for other in more)], count


def _grown(bits: np.ndarray, ranks: np.ndarray, count_min: int) -> Iterator[tuple[list[int], int]]:
    """All frequent sets of the items of `bits`, one row an item with a bit for each basket."""
    counts = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    for place in range(len(ranks)):
        yield [int(ranks[place])], int(counts[place])
        both = bits[:place] & bits[place]
        often = np.bitwise_count(both).sum(axis=1, dtype=np.int64) >= count_min
        for more, count in _grown(both[often], ranks[:place][often], count_min):
            yield [int(ranks[place]), *more], count


def _matrix(baskets: Baskets, ranks: np.ndarray, width: int) -> sp.csr_array:
    """(baskets, frequent items by rank): 1 where the item is in the basket."""
    columns = ranks[baskets.items]
    is_kept = columns >= 0
    rows = np.repeat(np.arange(baskets.count), np.diff(baskets.starts))[is_kept]
    ones = np.ones(len(rows), dtype=np.int32)
    return sp.csr_array((ones, (rows, columns[is_kept])), shape=(baskets.count, width))

"""Rows as matrices, some at a time where they are sparse."""

from collections.abc import Iterator

import numpy as np

from cauce.ml.instances import Features

__all__ = ["dense_pieces"]

SPARSE_ROWS_AT_ONCE = 4096


def dense_pieces(block: Features) -> Iterator[np.ndarray]:
    """The rows as matrices; of sparse rows only some at a time."""
    if isinstance(block, np.ndarray):
        yield block
        return
    for start in range(0, block.shape[0], SPARSE_ROWS_AT_ONCE):
        yield block[start : start + SPARSE_ROWS_AT_ONCE].toarray()

"""Tables as multisets of rows: partitions of equal keys, and what one table has more than another."""

import numpy as np
import pyarrow as pa

from cauce.state.hashing import KeyHasher

__all__ = ["minus", "partitioned"]

SECRET = bytes(range(16))
"""Hashes live as long as a batch, so nobody can prepare colliding rows for them."""


def partitioned(keys: pa.Table) -> tuple[pa.Table, np.ndarray]:
    """The distinct keys, and for each row the number of its key among them."""
    _, first, numbers = np.unique(_hashes(keys), return_index=True, return_inverse=True)
    return keys.take(pa.array(first)).combine_chunks(), numbers


def minus(one: pa.Table, other: pa.Table) -> np.ndarray:
    """bool[one]: the rows that are left when every row of `other` has cancelled an equal one."""
    if not one.num_rows or not other.num_rows:
        return np.ones(one.num_rows, dtype=bool)
    numbers = np.unique(np.concatenate([_hashes(one), _hashes(other)]), return_inverse=True)[1]
    ours, theirs = np.split(numbers, [one.num_rows])
    count = numbers.max() + 1
    # The second of two equal rows is another element than the first.
    return ~np.isin(ours + count * _occurrence(ours), theirs + count * _occurrence(theirs))


def _hashes(rows: pa.Table) -> np.ndarray:
    """128 bits per row, equal for rows that Spark takes for equal."""
    columns = [column.combine_chunks() for column in rows.columns]
    hashes = KeyHasher(rows.schema.types, SECRET)(columns)
    return np.ascontiguousarray(hashes).view("u8,u8").ravel()


def _occurrence(numbers: np.ndarray) -> np.ndarray:
    """How many equal numbers come before each."""
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    places = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    result = np.empty(len(order), dtype=np.int64)
    result[order] = places
    return result

"""Sessions of many keys, and how they merge where they touch."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates import Aggregation
from cauce.streaming.operators.aggregates.rows import Buffers

__all__ = ["Sessions", "merge_sessions"]


@dataclass(frozen=True)
class Sessions:
    """One session per row: whose it is, its bounds in microseconds (end exclusive), its buffers."""

    owners: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    buffers: Buffers

    def take(self, index: np.ndarray) -> "Sessions":
        buffers = [buffer.take(pa.array(index)) for buffer in self.buffers]
        return Sessions(self.owners[index], self.starts[index], self.ends[index], buffers)

    def count_gone(self, others: "Sessions") -> int:
        """How many of these have no session of the same owner and start among the others."""
        ours = np.stack([self.owners, self.starts], axis=1)
        both = np.concatenate([ours, np.stack([others.owners, others.starts], axis=1)])
        return len(np.unique(both, axis=0)) - len(others.owners)


def merge_sessions(old: Sessions, new: Sessions, aggregation: Aggregation) -> Sessions:
    """The sessions of both, merged where one of an owner starts before, or when, another ends."""
    together = _concatenated(old, new)
    # Of sessions that start together the stored one comes first.
    ordered = together.take(np.lexsort((together.starts, together.owners)))
    is_first = _begins_session(ordered)
    return _merged(ordered, is_first, aggregation)


def _concatenated(old: Sessions, new: Sessions) -> Sessions:
    return Sessions(
        np.concatenate([old.owners, new.owners]),
        np.concatenate([old.starts, new.starts]),
        np.concatenate([old.ends, new.ends]),
        [pa.concat_arrays(pair) for pair in zip(old.buffers, new.buffers, strict=True)],
    )


def _begins_session(ordered: Sessions) -> np.ndarray:
    """Which rows, in order of owner and start, do not touch what came before them."""
    ends, end_ranks = np.unique(ordered.ends, return_inverse=True)
    # Ranks are raised per owner, so that a running maximum never reaches over from one to the next.
    raised = ordered.owners * len(ends) + end_ranks
    latest_end = ends[np.maximum.accumulate(raised) - ordered.owners * len(ends)]
    is_first = np.ones(len(ordered.owners), bool)
    same_owner = ordered.owners[1:] == ordered.owners[:-1]
    is_first[1:] = ~(same_owner & (ordered.starts[1:] <= latest_end[:-1]))
    return is_first


def _merged(ordered: Sessions, is_first: np.ndarray, aggregation: Aggregation) -> Sessions:
    """Each run of rows as one session. Neighbours merge in pairs until every run is one row."""
    first_rows = np.flatnonzero(is_first)
    ends = np.maximum.reduceat(ordered.ends, first_rows)
    buffers, session = ordered.buffers, np.cumsum(is_first) - 1
    while len(session) > len(first_rows):
        place = np.arange(len(session)) - np.searchsorted(session, session)
        left = np.flatnonzero(place % 2 == 0)
        right = left + 1
        has_right = (right < len(session)) & (session[np.minimum(right, len(session) - 1)] == session[left])
        partners = pa.array(np.where(has_right, right, 0), mask=~has_right)
        # A null partner counts as nothing seen.
        lefts = [buffer.take(pa.array(left)) for buffer in buffers]
        buffers = aggregation.merge(lefts, [buffer.take(partners) for buffer in buffers])
        session = session[left]
    return Sessions(ordered.owners[first_rows], ordered.starts[first_rows], ends, buffers)

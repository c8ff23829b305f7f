"""Which segments a commit rewrites, so that files stay few and dead rows do not pile up.

Rewriting copies live rows to the end of the log, where the commit's own segment takes them along: one file
and one fsync serve both. Two rules, each of which pays for itself:

- As soon as `merge_width` small segments have about the same number of live rows, they become one. A row
  is copied once per power of `merge_width` that its segment grows by.
- While the log holds more than `rows_ratio_max` rows per live row, those segments are emptied, from the
  front, that have the most dead rows: what is copied is less than what is freed.
"""

from collections.abc import Iterable

import numpy as np

from cauce.state.options import StateOptions
from cauce.state.segment import Segment

__all__ = ["Rewrite", "choose"]

Rewrite = tuple[Segment, np.ndarray]
"""A segment, and the offsets of the live rows to copy."""


def choose(segments: Iterable[Segment], *, rows_changed: int, options: StateOptions) -> list[Rewrite]:
    """What the next commit rewrites, among committed segments."""
    live = [segment for segment in segments if segment.live and segment.name]
    merged = _merges(live, options)
    taken = set(map(id, merged))
    rewrites = [(segment, segment.live_offsets()) for segment in merged]
    budget = max(options.rewrite_rows_min, 2 * rows_changed)
    return rewrites + _garbage([s for s in live if id(s) not in taken], budget, options)


def _merges(segments: list[Segment], options: StateOptions) -> list[Segment]:
    sizes: dict[int, list[Segment]] = {}
    for segment in segments:
        if segment.live < options.small_segment_rows:
            # bit_length orders sizes by powers of two; three of them span a factor of eight.
            sizes.setdefault((segment.live.bit_length() - 1) // 3, []).append(segment)
    return [segment for same in sizes.values() if len(same) >= options.merge_width for segment in same]


def _garbage(segments: list[Segment], budget: int, options: StateOptions) -> list[Rewrite]:
    rows = sum(len(segment.dead) for segment in segments)
    excess = rows - options.rows_ratio_max * sum(segment.live for segment in segments)
    rewrites: list[Rewrite] = []
    if excess <= options.rewrite_rows_min:
        return rewrites
    for segment in sorted(segments, key=lambda segment: segment.live / len(segment.dead)):
        if budget <= 0 or excess <= 0:
            break
        offsets = segment.live_offsets()[:budget]
        rewrites.append((segment, offsets))
        budget -= len(offsets)
        excess -= len(segment.dead) if len(offsets) == segment.live else 0
    return rewrites

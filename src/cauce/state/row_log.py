"""The rows of a store as one log: segments side by side, each row known by its position."""

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa

from cauce.state.segment import Segment, concat

__all__ = ["RowLog"]

Part = Callable[[Segment], pa.RecordBatch]


class RowLog:
    """Positions are int64, handed out in order and never reused."""

    def __init__(self, segments: Iterable[Segment] = (), *, expiry_column: int | None) -> None:
        self.segments: list[Segment] = sorted(segments, key=lambda segment: (segment.base, segment.end))
        self.num_live = 0
        self.killed: list[np.ndarray] = []
        """Positions killed since the last commit."""
        self._expiry_column = expiry_column
        self._refresh()

    def _refresh(self) -> None:
        self._bases = np.array([segment.base for segment in self.segments], dtype=np.int64)
        self.num_live = sum(segment.live for segment in self.segments)

    @property
    def next_position(self) -> int:
        return self.segments[-1].end if self.segments else 0

    def append(self, keys: pa.RecordBatch, values: pa.RecordBatch) -> np.ndarray:
        """New rows at the end; their positions."""
        segment = Segment.of(self.next_position, keys, values)
        if self._expiry_column is not None:
            segment.track_expiry(self._expiry_column)
        self.segments.append(segment)
        self._bases = np.append(self._bases, segment.base)
        self.num_live += segment.live
        return np.arange(segment.base, segment.end)

    def replace(self, old: list[Segment], new: Segment | None) -> None:
        """Swap segments that are dead or pending for the committed one that took over from them."""
        gone = set(map(id, old))
        self.segments = [segment for segment in self.segments if id(segment) not in gone]
        if new is not None:
            self.segments.append(new)
        self._refresh()

    def kill(self, positions: np.ndarray) -> None:
        """Mark live rows, given once each, as dead."""
        positions = np.sort(positions)
        for segment, part in self.by_segment(positions):
            segment.dead[part - segment.base] = True
            segment.live -= len(part)
        self.num_live -= len(positions)
        self.killed.append(positions)

    def by_segment(self, positions: np.ndarray) -> list[tuple[Segment, np.ndarray]]:
        """Sorted positions, cut at the segments' borders; those that belong to no segment are left out."""
        if not len(positions) or not self.segments:
            return []
        starts = positions.searchsorted(self._bases)
        ends = np.append(starts[1:], len(positions))
        parts = []
        for i in np.flatnonzero(ends > starts):
            segment, part = self.segments[i], positions[starts[i] : ends[i]]
            if part[-1] >= segment.end:
                part = part[: part.searchsorted(segment.end)]
            if len(part):
                parts.append((segment, part))
        return parts

    def are_live(self, positions: np.ndarray) -> np.ndarray:
        """Which of these positions hold a live row."""
        order = np.argsort(positions, kind="stable")
        live = np.zeros(len(positions), dtype=bool)
        for segment, part in self.by_segment(positions[order]):
            start = positions[order].searchsorted(part[0])
            live[order[start : start + len(part)]] = ~segment.dead[part - segment.base]
        return live

    def take(self, positions: np.ndarray, part: Part, found: np.ndarray | None = None) -> pa.RecordBatch:
        """Rows in the order of `positions`; where `found` is False a row of nulls."""
        if found is None or found.all():
            batch, index = self._locate(positions, part)
            return batch.take(pa.array(index))
        batch, index = self._locate(positions[found], part)
        aligned = np.zeros(len(positions), dtype=np.int64)
        aligned[found] = index
        return batch.take(pa.array(aligned, mask=~found))

    def _locate(self, positions: np.ndarray, part: Part) -> tuple[pa.RecordBatch, np.ndarray]:
        """A batch that holds the rows (one at least), and where in it each one is."""
        first, last = self._bases.searchsorted((positions.min(), positions.max()), side="right") - 1
        if first == last:
            segment = self.segments[first]
            return part(segment), positions - segment.base
        # In the order of the log, neighbours in memory and on disk are read together.
        order = np.argsort(positions)
        batches = [
            part(segment).take(pa.array(rows - segment.base))
            for segment, rows in self.by_segment(positions[order])
        ]
        index = np.empty(len(positions), dtype=np.int64)
        index[order] = np.arange(len(positions))
        return concat(batches), index

    def expired(self, threshold_us: int) -> list[tuple[Segment, np.ndarray]]:
        """Segments with rows due at the threshold, and the offsets of those that live."""
        due = []
        for segment in self.segments:
            if segment.live and segment.expiry is not None and segment.expiry.next_us <= threshold_us:
                offsets = segment.expiry.due(threshold_us)
                due.append((segment, offsets[~segment.dead[offsets]]))
        return due

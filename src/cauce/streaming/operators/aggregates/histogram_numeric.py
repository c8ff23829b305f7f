"""histogram_numeric: a few bins of changing width that follow the data (Ben-Haim and Tom-Tov, 2010).

The rules are those of NumericHistogram.java of Apache Spark 4.2, its way to break ties included, so that
rows in the same order make the same bins.
"""

import bisect
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.errors import AnalysisException
from cauce.streaming.operators.aggregates.decimals import decimals_of
from cauce.streaming.operators.aggregates.moments import doubles
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.segments import Segments
from cauce.streaming.operators.physical import logical, physical_type

__all__ = ["Bins", "HistogramNumeric", "bins_max", "filled"]

SEED = 31183
"""Of the generator that breaks ties."""


class HistogramNumeric:
    """Two lists per group: the centres of the bins in order, and how many rows are in each."""

    buffer_types = (pa.list_(pa.float64()), pa.list_(pa.float64()))

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self._bins_max = bins_max(call.parameters[0] if call.parameters else None)

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.complete_positions(self.call), "list"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        column = rows.array(doubles(rows, rows.argument(self.call)))
        values = _lists(Segments.of(results[0]).take(column))
        return _buffers([filled(self._bins_max, members) for members in values])

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        both = zip(*(_lists(Segments.of(buffer)) for buffer in (*old, *new)), strict=True)
        return _buffers(
            [Bins(self._bins_max, a, b).merged(Bins(self._bins_max, c, d)) for a, b, c, d in both]
        )

    def finish(self, buffers: Buffers) -> pa.Array:
        centres, heights = Segments.of(buffers[0]), Segments.of(buffers[1])
        kind = self.call.input_types[0]
        bins = pa.StructArray.from_arrays([_as_input(centres.members, kind), heights.members], ["x", "y"])
        offsets = pa.array(centres.offsets.astype(np.int32))
        return pa.ListArray.from_arrays(offsets, bins, mask=pa.array(centres.counts == 0))


def bins_max(parameter: Any) -> int:
    """The second argument, checked as Spark does."""
    if parameter is None:
        raise AnalysisException(None, "histogram_numeric needs nBins value must not be null.")
    if not isinstance(parameter, int) or parameter < 2:
        what = f"needs nBins to be at least 2, but you supplied {parameter}."
        raise AnalysisException(None, f"histogram_numeric {what}")
    return parameter


class Bins:
    """At most `bins_max` bins; the two nearest become one when there are more."""

    def __init__(
        self, bins_max: int, centres: list[float] | None = None, heights: list[float] | None = None
    ) -> None:
        self.bins_max = bins_max
        self.centres = centres or []
        self.heights = heights or []
        self._chances = _java_doubles(SEED)

    def add(self, value: float) -> None:
        at = bisect.bisect_left(self.centres, value)
        if at < len(self.centres) and self.centres[at] == value:
            self.heights[at] += 1
            return
        self.centres.insert(at, value)
        self.heights.insert(at, 1.0)
        self._trim()

    def merged(self, other: "Bins") -> "Bins":
        """Both together; equal centres of the two stay apart while there is room, as in Spark."""
        if not self.centres:
            return other
        centres, heights = self.centres + other.centres, self.heights + other.heights
        order = sorted(range(len(centres)), key=centres.__getitem__)
        self.centres, self.heights = [centres[i] for i in order], [heights[i] for i in order]
        self._trim()
        return self

    def _trim(self) -> None:
        while len(self.centres) > self.bins_max:
            at = self._nearest()
            total = self.heights[at] + self.heights[at + 1]
            left = self.centres[at] * (self.heights[at] / total)
            self.centres[at] = left + self.centres[at + 1] / total * self.heights[at + 1]
            self.heights[at] = total
            del self.centres[at + 1], self.heights[at + 1]

    def _nearest(self) -> int:
        """The first of the two nearest bins; one of several such pairs by chance."""
        least, at, count = self.centres[1] - self.centres[0], 0, 1
        for i in range(1, len(self.centres) - 1):
            difference = self.centres[i + 1] - self.centres[i]
            if difference < least:
                least, at, count = difference, i, 1
            elif difference == least:
                count += 1
                if next(self._chances) <= 1.0 / count:
                    at = i
        return at


def filled(bins_max: int, values: Iterable[float]) -> Bins:
    """The bins of these values in this order, because each value changes the bins that the next one meets."""
    bins = Bins(bins_max)
    for value in values:
        bins.add(value)
    return bins


def _lists(segments: Segments) -> list[list[float]]:
    offsets, members = segments.offsets, segments.members.to_pylist()
    return [members[start:end] for start, end in zip(offsets[:-1], offsets[1:], strict=True)]


def _buffers(groups: list[Bins]) -> Buffers:
    return [
        pa.array([bins.centres for bins in groups], pa.list_(pa.float64())),
        pa.array([bins.heights for bins in groups], pa.list_(pa.float64())),
    ]


def _as_input(centres: pa.Array, kind: pa.DataType) -> pa.Array:
    """As in Spark the centres have the type of the values, cut to it if need be."""
    if pa.types.is_decimal(kind):
        return decimals_of(centres, kind)
    return logical(centres.cast(physical_type(kind), safe=False), kind)


def _java_doubles(seed: int) -> Iterator[float]:
    """What `new java.util.Random(seed).nextDouble()` gives, from its documented formula."""
    mask = (1 << 48) - 1
    state = (seed ^ 0x5DEECE66D) & mask
    while True:
        state = (state * 0x5DEECE66D + 0xB) & mask
        high = state >> 22
        state = (state * 0x5DEECE66D + 0xB) & mask
        yield ((high << 27) + (state >> 21)) * 2.0**-53

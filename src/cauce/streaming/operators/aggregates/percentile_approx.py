"""percentile_approx: ranks within n / accuracy of the exact one, in bounded memory.

Greenwald and Khanna's summary ("Space-efficient online computation of quantile summaries", 2001), with
the merge and query rules of QuantileSummaries.scala of Apache Spark 4.2. As long as a group has fewer
than accuracy / 2 rows the answers are exact, and Spark's.
"""

import math

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.decimals import decimals_of
from cauce.streaming.operators.aggregates.moments import doubles
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.segments import Segments
from cauce.streaming.operators.aggregates.value_counts import percentages
from cauce.streaming.operators.physical import logical, physical_type

__all__ = ["PercentileApprox"]

ACCURACY = 10_000
"""Spark's default."""


class PercentileApprox:
    """A summary is three lists of equal length, ordered by value.

    A sample (value, g, delta) says: g rows lie between the sample before and this one, and its rank is
    uncertain by delta.
    """

    buffer_types = (pa.list_(pa.float64()), pa.list_(pa.int64()), pa.list_(pa.int64()))

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self._many = isinstance(call.parameters[0], list)
        self._percentages = percentages(call.parameters[0])
        self._error = 1.0 / (call.parameters[1] if len(call.parameters) > 1 else ACCURACY)

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.complete_positions(self.call), "list"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        """All rows of the batch as samples of certain rank."""
        values = Segments.of(results[0]).take(rows.array(doubles(rows, rows.argument(self.call))))
        samples = values.members.to_numpy()
        order = np.lexsort((samples, values.groups))
        ones, zeros = np.ones(len(order), np.int64), np.zeros(len(order), np.int64)
        return self._compressed(values, samples[order], ones, zeros)

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        """Samples of both in one order; each side makes the ranks of the other less certain."""
        first, second = Segments.of(old[0]), Segments.of(new[0])
        g = _joined(old[1], new[1])
        delta = _joined(old[2], new[2])
        groups = np.concatenate([first.groups, second.groups])
        values = np.concatenate([first.members.to_numpy(), second.members.to_numpy()])
        # Of equal values the newer side's come first, as in Spark.
        from_old = np.repeat([1, 0], [len(first.groups), len(second.groups)])
        order = np.lexsort((from_old, values, groups))
        together = Segments(groups[order], pa.array(values[order]), first.num_groups)
        delta = delta[order] + self._uncertainty(together, from_old[order] == 1, g[order])
        return self._compressed(together, values[order], g[order], delta)

    def finish(self, buffers: Buffers) -> pa.Array:
        samples = Segments.of(buffers[0])
        g, delta = (Segments.of(buffer).members.to_numpy() for buffer in buffers[1:])
        columns = [self._query(samples, g, delta, percentage) for percentage in self._percentages]
        empty = samples.counts == 0
        if not self._many:
            return self._as_input(pa.array(columns[0], mask=empty))
        flat = self._as_input(pa.array(np.stack(columns, axis=1).ravel()))
        return pa.FixedSizeListArray.from_arrays(flat, len(columns), mask=pa.array(empty))

    def _uncertainty(self, samples: Segments, from_old: np.ndarray, g: np.ndarray) -> np.ndarray:
        """What the other side adds to delta, where its samples lie on both sides of this one."""
        totals_old = samples.sums(np.where(from_old, g, 0))[samples.groups]
        totals_new = samples.sums(np.where(from_old, 0, g))[samples.groups]
        others = np.where(from_old, totals_new, totals_old)
        before = np.where(from_old, _counted_before(samples, ~from_old), _counted_before(samples, from_old))
        sizes = np.where(
            from_old, samples.sums(~from_old)[samples.groups], samples.sums(from_old)[samples.groups]
        )
        between = (before > 0) & (before < sizes)
        return np.where(between, np.floor(2 * self._error * others), 0).astype(np.int64)

    def _compressed(self, samples: Segments, values: np.ndarray, g: np.ndarray, delta: np.ndarray) -> Buffers:
        """Long summaries made short. A loop over samples, but only of groups that need it."""
        keep = np.ones(len(values), bool)
        g = g.copy()
        limit = math.ceil(1 / self._error)
        offsets = samples.offsets
        for group in np.flatnonzero(samples.counts > limit):
            start, end = offsets[group], offsets[group + 1]
            _compress(g[start:end], delta[start:end], keep[start:end], 2 * self._error)
        index = np.flatnonzero(keep)
        kept = Segments(samples.groups[index], pa.array(values[index]), samples.num_groups)
        lists = kept.lists()
        offsets32 = lists.offsets
        return [
            lists,
            pa.ListArray.from_arrays(offsets32, pa.array(g[index])),
            pa.ListArray.from_arrays(offsets32, pa.array(delta[index])),
        ]

    def _query(self, samples: Segments, g: np.ndarray, delta: np.ndarray, percentage: float) -> np.ndarray:
        """The first sample of each group whose rank is near enough; the ends for percentages near them."""
        values, offsets = samples.members.to_numpy(), samples.offsets
        present = samples.counts > 0
        answer = np.zeros(samples.num_groups)
        starts, ends = offsets[:-1][present], offsets[1:][present]
        if percentage <= self._error:
            answer[present] = values[starts]
            return answer
        last = ends - 1
        if percentage < 1 - self._error and len(starts):
            last = _first_near(g, delta, starts, ends, percentage)
        answer[present] = values[last]
        return answer

    def _as_input(self, values: pa.Array) -> pa.Array:
        wanted = self.call.input_types[0]
        if pa.types.is_decimal(wanted):
            return decimals_of(values, wanted)
        return logical(values.cast(physical_type(wanted), safe=False), wanted)


def _first_near(
    g: np.ndarray, delta: np.ndarray, starts: np.ndarray, ends: np.ndarray, percentage: float
) -> np.ndarray:
    """Per group, the first position whose rank is uncertain by no more than the target, or the last."""
    lengths = ends - starts
    target = np.repeat(np.maximum.reduceat(g + delta, starts) // 2, lengths)
    counts = np.add.reduceat(g, starts)
    rank = np.repeat(np.ceil(percentage * counts), lengths)
    sums = np.cumsum(g)
    least_rank = sums - np.repeat(sums[starts] - g[starts], lengths)
    near = (least_rank + delta - target <= rank) & (rank <= least_rank + target)
    position = np.arange(len(g))
    return np.minimum.reduceat(np.where(near, position, np.repeat(ends - 1, lengths)), starts)


def _compress(g: np.ndarray, delta: np.ndarray, keep: np.ndarray, twice_error: float) -> None:
    """Merge samples into their successors while ranks stay certain enough; the ends always stay."""
    threshold = twice_error * g.sum()
    head = len(g) - 1
    for i in range(len(g) - 2, 0, -1):
        if g[i] + g[head] + delta[head] < threshold:
            g[head] += g[i]
            keep[i] = False
        else:
            head = i


def _counted_before(samples: Segments, mask: np.ndarray) -> np.ndarray:
    """Per sample, how many marked samples of its group come before it."""
    sums = np.cumsum(mask) - mask
    group_starts = np.concatenate([[0], np.cumsum(mask)])[samples.offsets[:-1]]
    return sums - group_starts[samples.groups]


def _joined(old: pa.ListArray, new: pa.ListArray) -> np.ndarray:
    return np.concatenate([Segments.of(old).members.to_numpy(), Segments.of(new).members.to_numpy()])

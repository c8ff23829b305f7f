"""mode, percentile and median: from every distinct value of a group and how often it came."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.grouping import group_by
from cauce.streaming.operators.aggregates.moments import numbers
from cauce.streaming.operators.aggregates.ordered import sorted_positions
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.segments import Segments, concat_lists
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.physical import physical

__all__ = ["Mode", "Percentile", "percentages"]


class ValueCounts:
    """Two lists per group: distinct values in order of arrival, and their counts."""

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self.buffer_types = (pa.list_(call.input_types[0]), pa.list_(pa.int64()))

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.complete_positions(self.call), "list"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        values = Segments.of(results[0]).take(rows.original(self.call))
        return _counted(values, np.ones(len(values.groups), np.int64))

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        counts = Segments.of(concat_lists(old[1], new[1])).members.to_numpy()
        return _counted(Segments.of(concat_lists(old[0], new[0])), counts)


class Mode(ValueCounts):
    """mode(a): the most frequent value, of several the smallest (Spark may give any of them)."""

    def finish(self, buffers: Buffers) -> pa.Array:
        values, counts = Segments.of(buffers[0]), Segments.of(buffers[1]).members.to_numpy()
        ranks = np.empty(len(counts), np.int64)
        ranks[sorted_positions(values.members)] = np.arange(len(counts))
        # The last of a group in this order has the highest count and, among those, the lowest rank.
        order = np.lexsort((-ranks, counts, values.groups))
        index = values.offsets[1:] - 1
        present = values.counts > 0
        positions = np.where(present, order[np.where(present, index, 0)], 0) if len(order) else index
        return values.members.take(pa.array(positions, mask=~present))


class Percentile(ValueCounts):
    """percentile(a, p) and median(a): exact, interpolated between neighbours (percentiles.scala)."""

    def __init__(self, call: AggregateCall) -> None:
        super().__init__(call)
        parameter = call.parameters[0] if call.parameters else 0.5
        self._many = isinstance(parameter, list)
        self._percentages = percentages(parameter)
        self._frequency = int(call.parameters[1]) if len(call.parameters) > 1 else 1

    def finish(self, buffers: Buffers) -> pa.Array:
        values, counts = Segments.of(buffers[0]), Segments.of(buffers[1]).members.to_numpy()
        keys = numbers(physical(values.members))
        order = np.lexsort((keys, values.groups))
        sums = np.cumsum(counts[order] * self._frequency)
        columns = [_percentile(values, keys[order], sums, p) for p in self._percentages]
        empty = values.counts == 0
        if not self._many:
            return pa.array(columns[0], mask=empty)
        flat = pa.array(np.stack(columns, axis=1).ravel())
        return pa.FixedSizeListArray.from_arrays(flat, len(columns), mask=pa.array(empty))


def percentages(parameter: Any) -> list[float]:
    """One percentage or a list of them, as a list."""
    return [float(p) for p in (parameter if isinstance(parameter, list) else [parameter])]


def _counted(values: Segments, counts: np.ndarray) -> Buffers:
    """Equal members of a group as one, with the sum of their counts."""
    flat = GroupKeys(("value",), (values.members.type,)).flatten(pa.table([values.members], names=["value"]))
    keys = flat.append_column("group", pa.array(values.groups))
    rows = Rows(pa.table([np.arange(len(counts)), counts], names=["position", "count"]))
    first, total = Request("position", "min"), Request("count", "sum")
    _, results = group_by(keys, rows, [first, total])
    order = np.argsort(results[first].to_numpy())
    distinct = values.select(results[first].to_numpy()[order])
    totals = dataclasses.replace(distinct, members=results[total].take(pa.array(order)))
    return [distinct.lists(), totals.lists()]


def _percentile(values: Segments, keys: np.ndarray, sums: np.ndarray, percentage: float) -> np.ndarray:
    """One percentile per group; `keys` are sorted within groups, `sums` are running counts over all."""
    if not len(keys):
        return np.zeros(values.num_groups)
    sums_before = np.concatenate([[0], sums])[values.offsets]
    position = np.maximum(np.diff(sums_before) - 1, 0) * percentage
    lower, higher = np.floor(position), np.ceil(position)
    last = len(keys) - 1
    low = keys[np.minimum(np.searchsorted(sums, sums_before[:-1] + lower + 1), last)]
    high = keys[np.minimum(np.searchsorted(sums, sums_before[:-1] + higher + 1), last)]
    exact = (lower == higher) | (low == high)
    return np.where(exact, low, (higher - position) * low + (position - lower) * high)

"""collect_list, collect_set and exact distinct aggregates: the values themselves are the buffer."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.aggregate import Aggregate
from cauce.streaming.operators.aggregates.grouping import group_by
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.segments import Segments, concat_lists
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.keys import GroupKeys

__all__ = ["CollectList", "CollectSet", "Distinct", "ListAgg"]


class CollectList:
    """collect_list(a): the values in order of arrival, without nulls; an empty list for none."""

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        self.buffer_types = (pa.list_(call.input_types[0]),)

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.complete_positions(self.call), "list"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return [Segments.of(results[0]).take(rows.original(self.call)).lists()]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [concat_lists(old[0], new[0])]

    def finish(self, buffers: Buffers) -> pa.Array:
        return Segments.of(buffers[0]).lists()


class ListAgg(CollectList):
    """listagg(a, delimiter): texts or bytes joined in order of arrival; null for none."""

    def finish(self, buffers: Buffers) -> pa.Array:
        values = Segments.of(buffers[0])
        delimiter = self.call.parameters[0] if self.call.parameters else ""
        joined = pc.binary_join(values.lists(), pa.scalar(delimiter or "").cast(self.call.input_types[0]))
        return pc.if_else(pa.array(values.counts > 0), joined, pa.scalar(None, joined.type))


class CollectSet(CollectList):
    """collect_set(a): every value once, in order of arrival."""

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        return [_distinct(Segments.of(results[0]).take(rows.original(self.call))).lists()]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [_distinct(Segments.of(concat_lists(old[0], new[0]))).lists()]


class Distinct:
    """An aggregate over the distinct values of its arguments, such as count(DISTINCT a, b).

    Exact, hence its state grows with the number of distinct values. A row with a null argument counts
    for nothing.
    """

    def __init__(self, call: AggregateCall, build: Callable[[AggregateCall], Aggregate]) -> None:
        self.call = call
        self._value_type = _value_type(call)
        self._inner = build(
            dataclasses.replace(
                call, inputs=("value",), input_types=(self._value_type,), filter=None, distinct=False
            )
        )
        self.buffer_types = (pa.list_(self._value_type),)

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.complete_positions(self.call), "list"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        columns = [rows.original(self.call, i) for i in range(len(self.call.inputs))]
        values = columns[0]
        if len(columns) > 1:
            values = pa.StructArray.from_arrays(columns, fields=list(self._value_type))
        return [_distinct(Segments.of(results[0]).take(values)).lists()]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [_distinct(Segments.of(concat_lists(old[0], new[0]))).lists()]

    def finish(self, buffers: Buffers) -> pa.Array:
        """The inner aggregate over the values as if they had just arrived."""
        values = Segments.of(buffers[0])
        rows = Rows(pa.table([values.members], names=["value"]))
        keys, results = group_by(pa.table([values.groups], names=["group"]), rows, self._inner.prepare(rows))
        partial = self._inner.partial(rows, list(results.values()))
        index = np.full(values.num_groups, -1)
        index[keys.column(0).to_numpy()] = np.arange(keys.num_rows)
        positions = pa.array(index, mask=index < 0)
        return self._inner.finish([buffer.take(positions) for buffer in partial])


def _value_type(call: AggregateCall) -> pa.DataType:
    if len(call.inputs) == 1:
        return call.input_types[0]
    return pa.struct([(str(i), kind) for i, kind in enumerate(call.input_types)])


def _distinct(values: Segments) -> Segments:
    """The first of equal members in each group."""
    flat = GroupKeys(("value",), (values.members.type,)).flatten(pa.table([values.members], names=["value"]))
    keys = flat.append_column("group", pa.array(values.groups))
    rows = Rows(pa.table([np.arange(len(values.groups))], names=["position"]))
    first = Request("position", "min")
    _, results = group_by(keys, rows, [first])
    return values.select(np.sort(results[first].to_numpy()))

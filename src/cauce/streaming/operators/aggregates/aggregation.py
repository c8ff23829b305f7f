"""All aggregate calls of one query together: buffers of a batch, merged buffers, results."""

from collections.abc import Sequence

import pyarrow as pa

from cauce.errors import AnalysisException
from cauce.streaming.operators.aggregates.grouping import group_by
from cauce.streaming.operators.aggregates.registry import build
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Rows

__all__ = ["Aggregation"]


class Aggregation:
    """Buffers of several calls side by side, as flat lists of arrays aligned with the groups."""

    def __init__(self, calls: Sequence[AggregateCall]) -> None:
        self.calls = tuple(calls)
        self._aggregates = [build(call) for call in calls]
        self.buffer_fields = [
            pa.field(f"b{i}_{j}", kind)
            for i, aggregate in enumerate(self._aggregates)
            for j, kind in enumerate(aggregate.buffer_types)
        ]
        self.widths = [len(aggregate.buffer_types) for aggregate in self._aggregates]
        """How many buffer fields each call has."""
        self._check_types()

    def partial(self, keys: pa.Table, batch: pa.Table) -> tuple[pa.Table, Buffers]:
        """The distinct keys of a batch, and their buffers."""
        rows = Rows(batch)
        requests = [aggregate.prepare(rows) for aggregate in self._aggregates]
        groups, results = group_by(keys, rows, [request for wanted in requests for request in wanted])
        buffers: Buffers = []
        for aggregate, wanted in zip(self._aggregates, requests, strict=True):
            buffers += aggregate.partial(rows, [results[request] for request in wanted])
        return groups, buffers

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        """Buffers of the same groups combined; `old` came first, and is null where there is nothing."""
        merged: Buffers = []
        for aggregate in self._aggregates:
            part = slice(len(merged), len(merged) + len(aggregate.buffer_types))
            merged += aggregate.merge(old[part], new[part])
        return merged

    def finish(self, buffers: Buffers) -> list[pa.Array]:
        """One column per call, in the type the query expects."""
        columns, start = [], 0
        for aggregate in self._aggregates:
            end = start + len(aggregate.buffer_types)
            columns.append(_as_type(aggregate.finish(buffers[start:end]), aggregate.call.output_type))
            start = end
        return columns

    def _check_types(self) -> None:
        """Refuse what Arrow cannot aggregate before the query runs, by aggregating no rows."""
        columns = {call.filter: pa.bool_() for call in self.calls if call.filter is not None}
        for call in self.calls:
            columns |= zip(call.inputs, call.input_types, strict=True)
        nothing = pa.schema(list(columns.items())).empty_table()
        try:
            _, buffers = self.partial(pa.table({"key": pa.array([], pa.int8())}), nothing)
            self.finish(self.merge(buffers, buffers))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            called = ", ".join(
                f"{call.function}({', '.join(map(str, call.input_types))})" for call in self.calls
            )
            raise AnalysisException(None, f"Not supported on streams: {called}. {error}") from error


def _as_type(column: pa.Array, data_type: pa.DataType) -> pa.Array:
    return column if column.type == data_type else column.cast(data_type)

"""What an aggregate function is."""

from typing import Protocol

import pyarrow as pa

from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows

__all__ = ["Aggregate"]


class Aggregate(Protocol):
    """One call made live. Every buffer array is aligned with the groups; null means nothing seen yet."""

    call: AggregateCall

    @property
    def buffer_types(self) -> tuple[pa.DataType, ...]:
        """The columns kept in the state."""
        ...

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        """The Arrow hash aggregations `partial` needs."""
        ...

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        """Buffers of this batch's groups, from the results of the requests."""
        ...

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        """Buffers of the same groups combined; `old` came first."""
        ...

    def finish(self, buffers: Buffers) -> pa.Array:
        """The values the user sees."""
        ...

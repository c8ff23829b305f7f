"""The rows of one batch as an aggregate sees them: argument columns, filtered and derived once."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.kernels import Column, pc
from cauce.streaming.operators.physical import in_utc, one_piece, physical

__all__ = ["AggregateCall", "Buffers", "Request", "Rows"]

Buffers = list[pa.Array]
"""One array per buffer column, aligned with the groups. Null means: nothing seen yet."""


@dataclass(frozen=True)
class AggregateCall:
    """One aggregate of the query: Spark's function name on columns of the batch.

    `parameters` are the literal arguments after the columns (percentages, accuracy, rsd), and
    `output_type` is the type the query expects, as Arrow spells it.
    """

    function: str
    output: str
    output_type: pa.DataType
    inputs: tuple[str, ...] = ()
    input_types: tuple[pa.DataType, ...] = ()
    filter: str | None = None
    distinct: bool = False
    ignore_nulls: bool = False
    parameters: tuple[Any, ...] = ()
    ansi: bool = True


class Request(NamedTuple):
    """One Arrow hash aggregation over a column of `Rows`; equal requests are computed once."""

    column: str
    function: str


@dataclass
class Rows:
    """Columns by name; what one aggregate derives, another one reuses."""

    table: pa.Table
    derived: dict[str, Column] = field(default_factory=dict)

    @property
    def num_rows(self) -> int:
        return self.table.num_rows

    def column(self, name: str) -> Column:
        known = self.derived.get(name)
        return self.table.column(name) if known is None else known

    def array(self, name: str) -> pa.Array:
        """The column in one piece."""
        return one_piece(self.column(name))

    def derive(self, name: str, compute: Callable[[], Column]) -> str:
        if name not in self.derived:
            self.derived[name] = compute()
        return name

    def argument(self, call: AggregateCall, position: int = 0) -> str:
        """The argument in its physical type, null where the call's FILTER is not true."""
        name = call.inputs[position]
        plain = self.derive(f"{name}:physical", lambda: physical(self.table.column(name)))
        return self.filtered(plain, call)

    def original(self, call: AggregateCall, position: int = 0) -> pa.Array:
        """The argument as it came, whatever its type, instants in UTC; the filter is not applied."""
        column = self.array(call.inputs[position])
        stored = in_utc(column.type)
        return column if stored == column.type else column.cast(stored)

    def positions(self, call: AggregateCall) -> str:
        """Row numbers, null where the call's FILTER is not true."""
        return self.filtered(self.derive(":position", lambda: _positions(self.num_rows)), call)

    def complete_positions(self, call: AggregateCall) -> str:
        """Row numbers, null where the FILTER is not true or an argument is null."""
        positions = self.positions(call)
        if not call.inputs:
            return positions
        name = f"{positions}:complete:{','.join(call.inputs)}"
        return self.derive(name, lambda: self._where_complete(positions, call))

    def _where_complete(self, positions: str, call: AggregateCall) -> Column:
        valid = functools.reduce(pc.and_, [pc.is_valid(self.column(name)) for name in call.inputs])
        return pc.if_else(valid, self.column(positions), pa.scalar(None, pa.int64()))

    def filtered(self, name: str, call: AggregateCall) -> str:
        """The column, null where the call's FILTER is not true."""
        condition = call.filter
        if condition is None:
            return name
        return self.derive(f"{name}:if:{condition}", lambda: self._masked(self.column(name), condition))

    def _masked(self, column: Column, condition: str) -> Column:
        keep = pc.fill_null(self.column(condition), False)
        return pc.if_else(keep, column, pa.scalar(None, column.type))


def _positions(count: int) -> pa.Array:
    return pa.array(np.arange(count, dtype=np.int64))

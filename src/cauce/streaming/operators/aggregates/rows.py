"""The rows of one batch as an aggregate sees them: argument columns, filtered and derived once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.kernels import Column, pc

__all__ = ["AggregateCall", "Buffers", "Request", "Rows", "logical", "physical", "physical_type"]

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
        column = self.column(name)
        return column if isinstance(column, pa.Array) else column.combine_chunks()

    def derive(self, name: str, compute: Callable[[], Column]) -> str:
        if name not in self.derived:
            self.derived[name] = compute()
        return name

    def argument(self, call: AggregateCall, position: int = 0) -> str:
        """The argument in its physical type, null where the call's FILTER is not true."""
        name = call.inputs[position]
        plain = self.derive(f"{name}:physical", lambda: physical(self.table.column(name)))
        return self._filtered(plain, call)

    def original(self, call: AggregateCall, position: int = 0) -> pa.Array:
        """The argument as it came, whatever its type; the filter is not applied."""
        return self.array(call.inputs[position])

    def positions(self, call: AggregateCall) -> str:
        """Row numbers, null where the call's FILTER is not true."""
        return self._filtered(self.derive(":position", lambda: _positions(self.num_rows)), call)

    def _filtered(self, name: str, call: AggregateCall) -> str:
        condition = call.filter
        if condition is None:
            return name
        return self.derive(f"{name}:if:{condition}", lambda: self._masked(self.column(name), condition))

    def _masked(self, column: Column, condition: str) -> Column:
        keep = pc.fill_null(self.column(condition), False)
        return pc.if_else(keep, column, pa.scalar(None, column.type))


def physical_type(data_type: pa.DataType) -> pa.DataType:
    """The type Arrow's aggregation kernels take: times as integers, one layout of strings."""
    if pa.types.is_timestamp(data_type) or pa.types.is_duration(data_type) or pa.types.is_time64(data_type):
        return pa.int64()
    if pa.types.is_date32(data_type):
        return pa.int32()
    if pa.types.is_large_string(data_type) or pa.types.is_string_view(data_type):
        return pa.string()
    if pa.types.is_large_binary(data_type) or pa.types.is_binary_view(data_type):
        return pa.binary()
    return data_type


def physical(column: Column) -> Column:
    """The column in its physical type; integers under a time type are shared, not copied."""
    wanted = physical_type(column.type)
    if wanted == column.type:
        return column
    if not pa.types.is_integer(wanted):
        return column.cast(wanted)
    if isinstance(column, pa.Array):
        return column.view(wanted)
    return pa.chunked_array([chunk.view(wanted) for chunk in column.chunks], wanted)


def logical(array: pa.Array, data_type: pa.DataType) -> pa.Array:
    """The reverse of `physical`."""
    if array.type == data_type:
        return array
    if pa.types.is_integer(array.type) and physical_type(data_type) == array.type:
        return array.view(data_type)
    return array.cast(data_type)


def _positions(count: int) -> pa.Array:
    return pa.array(np.arange(count, dtype=np.int64))

"""Grouping keys as flat columns: structs by their leaves, times as integers, arrays as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from cauce.errors import AnalysisException
from cauce.streaming.operators.kernels import Column, pc
from cauce.streaming.operators.list_keys import lists_of, texts_of
from cauce.streaming.operators.physical import (
    in_utc,
    logical,
    normalized,
    one_piece,
    physical,
    physical_type,
)

__all__ = ["EVENT_TIME", "GroupKeys"]

EVENT_TIME = "event_time_us"
"""The value column by which a store evicts: microseconds since the epoch."""

GLOBAL = "global"
"""The key column of an aggregation without keys: always zero."""


@dataclass(frozen=True)
class GroupKeys:
    """The key columns of an operator; `event_time` names the one that carries the watermark, if any.

    That one is a timestamp, or a window struct<start, end>, which is never null because window()
    drops rows without a time.
    """

    names: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    event_time: str | None = None

    @classmethod
    def of(cls, input_schema: pa.Schema, names: Sequence[str], event_time: str | None) -> "GroupKeys":
        """Key columns of a table with that schema; refused if Arrow cannot group by them."""
        keys = cls(tuple(names), tuple(input_schema.field(name).type for name in names), event_time)
        try:
            keys.flatten(input_schema.empty_table()).group_by(keys.schema.names).aggregate([])
        except (pa.ArrowNotImplementedError, pa.ArrowKeyError) as error:
            kinds = ", ".join(f"{field.name} {field.type}" for field in keys.fields)
            raise AnalysisException(
                None, f"Grouping by {kinds} is not supported on streams. {error}"
            ) from error
        return keys

    def in_utc(self) -> "GroupKeys":
        """The same columns, instants in UTC, whatever the session's zone is."""
        return replace(self, types=tuple(in_utc(kind) for kind in self.types))

    @property
    def fields(self) -> list[pa.Field]:
        """The key columns as the query knows them."""
        return [pa.field(name, kind) for name, kind in zip(self.names, self.types, strict=True)]

    @cached_property
    def schema(self) -> pa.Schema:
        """The flat columns that group rows and key the state."""
        if not self.names:
            return pa.schema([pa.field(GLOBAL, pa.int8())])
        pairs = zip(self.names, self.types, strict=True)
        return pa.schema(
            [leaf for name, kind in pairs for leaf in _leaves(name, kind, name != self.event_time)]
        )

    def flatten(self, table: pa.Table) -> pa.Table:
        """The flat key columns of a table that has the key columns."""
        if not self.names:
            return pa.table([pa.repeat(pa.scalar(0, pa.int8()), table.num_rows)], schema=self.schema)
        columns = [
            leaf
            for name in self.names
            for leaf in _split(table.column(name), nullable=name != self.event_time)
        ]
        return pa.table(columns, schema=self.schema)

    def restore(self, flat: pa.Table) -> list[Column]:
        """The reverse of `flatten`."""
        leaves = iter(flat.select(self.schema.names).columns)
        pairs = zip(self.names, self.types, strict=True)
        return [_join(leaves, kind, nullable=name != self.event_time) for name, kind in pairs]

    def event_time_us(self, flat: pa.Table) -> Column | None:
        """What the watermark is compared with, in microseconds: the end of the window, or the time itself."""
        if self.event_time is None:
            return None
        kind = self.types[self.names.index(self.event_time)]
        return flat.column(f"{self.event_time}.1" if pa.types.is_struct(kind) else self.event_time)


def _leaves(name: str, kind: pa.DataType, nullable: bool) -> list[pa.Field]:
    if pa.types.is_list(kind):
        return [pa.field(name, pa.string())]
    if not pa.types.is_struct(kind):
        return [pa.field(name, physical_type(kind))]
    leaves = [pa.field(f"{name}.valid", pa.bool_())] if nullable else []
    for i in range(kind.num_fields):
        leaves += _leaves(f"{name}.{i}", kind.field(i).type, nullable)
    return leaves


def _split(column: Column, *, nullable: bool) -> list[Column]:
    if pa.types.is_list(column.type):
        return [texts_of(column)]
    if not pa.types.is_struct(column.type):
        return [normalized(physical(column))]
    leaves = [pc.is_valid(column)] if nullable else []
    for i in range(column.type.num_fields):
        leaves += _split(_field(column, i), nullable=nullable)
    return leaves


def _field(column: Column, index: int) -> Column:
    if column.null_count:
        return pc.struct_field(column, index)
    # Without nulls to carry over, the child is there already.
    if isinstance(column, pa.Array):
        return column.field(index)
    return pa.chunked_array([chunk.field(index) for chunk in column.chunks], column.type.field(index).type)


def _join(leaves: Iterator[Column], kind: pa.DataType, *, nullable: bool) -> pa.Array:
    if pa.types.is_list(kind):
        return lists_of(one_piece(next(leaves)), kind)
    if not pa.types.is_struct(kind):
        return logical(one_piece(next(leaves)), kind)
    valid = one_piece(next(leaves)) if nullable else None
    fields = [kind.field(i) for i in range(kind.num_fields)]
    children = [_join(leaves, field.type, nullable=nullable) for field in fields]
    mask = None if valid is None else pc.invert(valid)
    return pa.StructArray.from_arrays(children, fields=fields, mask=mask)

"""One input of a stream-stream join: which of its rows can match, how they are keyed, what is stored."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from cauce.engine.arrow_form import conformed
from cauce.streaming.operators.kernels import Column, pc
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, column_parts, key_parts
from cauce.streaming.operators.physical import physical

__all__ = ["EVENT_TIME", "MATCHED", "Arrivals", "JoinInput"]

MATCHED = "__cauce_matched"
"""Stored with rows of an outer side: whether the row has found a partner."""

EVENT_TIME = "__cauce_event_time_us"
"""Stored with every row: what the state watermark is compared with; null is never evicted."""


@dataclass(frozen=True)
class Arrivals:
    """Rows of one batch that may match: keys for the stores, rows as stored, eviction times."""

    keys: pa.Table
    rows: pa.Table
    times_us: Column
    matchable: np.ndarray
    """False where a key is null: null equals nothing."""


@dataclass(frozen=True)
class JoinInput:
    """Describes one side; rows arrive with these columns, and with columns made for the join alone."""

    columns: pa.Schema
    """What the side gives to the join's output."""
    keys: tuple[str, ...]
    key_types: tuple[pa.DataType, ...]
    null_safe: tuple[bool, ...]
    """Per key, whether it is compared by `<=>`."""
    event_time: str | None = None
    """The column that carries a watermark: it makes rows late."""
    eviction_time: str | None = None
    """The key or value column by which stored rows are evicted."""
    passes: str | None = None
    """The boolean column that tells whether a row can match at all, by the conditions on this side alone."""
    remembers_match: bool = False

    @cached_property
    def row_schema(self) -> pa.Schema:
        """The columns as they are stored: instants in UTC, whatever the session's zone is after a restart."""
        return conformed(self.columns.empty_table(), "UTC").schema

    @cached_property
    def group_keys(self) -> GroupKeys:
        return GroupKeys(tuple(f"k{i}" for i in range(len(self.keys))), self.key_types)

    @property
    def key_schema(self) -> pa.Schema:
        return self.group_keys.schema

    @cached_property
    def value_schema(self) -> pa.Schema:
        fields = [pa.field(MATCHED, pa.bool_())] if self.remembers_match else []
        return pa.schema([*self.row_schema, *fields, pa.field(EVENT_TIME, pa.int64())])

    @property
    def layout(self) -> StoreLayout:
        """Spark numbers the keys. Whether a row has matched it tells always, cauce of outer sides only."""
        keys = self.group_keys.in_utc()
        matched = Source("column", MATCHED) if self.remembers_match else Source("nothing")
        return StoreLayout(
            keys,
            self.value_schema,
            key=key_parts([f"field{i}" for i in range(len(self.keys))], keys),
            value=(*column_parts(self.row_schema), Part("matched", pa.bool_(), matched)),
            event_time=EVENT_TIME,
            multi_row=True,
            hidden=frozenset({"matched"}),
        )

    def not_late(self, rows: pa.Table, watermark_us: int | None) -> pa.Table:
        """The rows whose event time is after the watermark; a null time is never late."""
        if self.event_time is None or watermark_us is None:
            return rows
        late = pc.fill_null(pc.less_equal(time_us(rows.column(self.event_time)), watermark_us), False)
        return rows.filter(pc.invert(late)) if pc.any(late).as_py() else rows

    def can_match(self, rows: pa.Table) -> np.ndarray:
        """False where a condition on this side alone is not true."""
        if self.passes is None:
            return np.ones(rows.num_rows, dtype=bool)
        return pc.fill_null(rows.column(self.passes), False).to_numpy(zero_copy_only=False)

    def keys_known(self, rows: pa.Table) -> np.ndarray:
        """False where a key is null that is compared by `=`."""
        known = np.ones(rows.num_rows, dtype=bool)
        for name, null_safe in zip(self.keys, self.null_safe, strict=True):
            column = rows.column(name)
            if not null_safe and column.null_count:
                known &= pc.is_valid(column).to_numpy(zero_copy_only=False)
        return known

    def arrivals(self, rows: pa.Table) -> Arrivals:
        """The rows ready to be matched and stored."""
        rows = rows.combine_chunks()
        keys = pa.table([rows.column(name) for name in self.keys], names=list(self.group_keys.names))
        times = (
            pa.nulls(rows.num_rows, pa.int64())
            if self.eviction_time is None
            else time_us(rows.column(self.eviction_time))
        )
        return Arrivals(self.group_keys.flatten(keys), self.stored_rows(rows), times, self.keys_known(rows))

    def stored_rows(self, rows: pa.Table) -> pa.Table:
        """The columns the side gives, in their stored types."""
        rows = rows.select(self.columns.names)
        return rows if rows.schema.equals(self.row_schema) else rows.cast(self.row_schema)

    def stored_values(self, rows: pa.Table, matched: np.ndarray, times_us: Column) -> pa.Table:
        """The store's value rows."""
        flag = [pa.array(matched)] if self.remembers_match else []
        return pa.Table.from_arrays([*rows.columns, *flag, times_us], schema=self.value_schema)

    def rows_of(self, values: pa.Table) -> pa.Table:
        """The reverse of `stored_values`."""
        return values.select(range(len(self.row_schema)))


def time_us(column: Column) -> Column:
    """Microseconds of a timestamp, or of a window's end."""
    return physical(pc.struct_field(column, 1) if pa.types.is_struct(column.type) else column)

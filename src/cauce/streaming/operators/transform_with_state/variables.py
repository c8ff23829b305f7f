"""State variables as a processor declares them in init(), and how each is laid out in a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, column_parts, key_parts
from cauce.streaming.operators.transform_with_state.codec import RowCodec, StateRow

__all__ = ["EXPIRATION", "INDEX", "Kind", "StateVariable"]

Kind = Literal["ValueState", "ListState", "MapState"]
"""Spark's StateVariableType."""

EXPIRATION = "ttlExpirationMs"
"""The column of a variable with a TTL that says when a row is forgotten."""

INDEX = "listIndex"
"""The column that orders the rows of a list."""


@dataclass(frozen=True)
class StateVariable:
    """One variable: `schema` is that of its values, `map_key` of a map's keys."""

    name: str
    kind: Kind
    schema: StructType
    map_key: StructType | None = None
    ttl_ms: int | None = None

    @cached_property
    def value(self) -> RowCodec:
        return RowCodec(self.schema, "value")

    @cached_property
    def user_key(self) -> RowCodec:
        assert self.map_key is not None
        return RowCodec(self.map_key, "userKey")

    @cached_property
    def user_keys(self) -> GroupKeys:
        """The flat columns that a map's keys are stored as."""
        fields = pa.schema(self.user_key.fields)
        return GroupKeys.of(fields, fields.names, None)

    def key_schema(self, group: pa.Schema) -> pa.Schema:
        return pa.schema([*group, *self.user_keys.schema]) if self.kind == "MapState" else group

    @cached_property
    def value_schema(self) -> pa.Schema:
        index = [pa.field(INDEX, pa.int64())] if self.kind == "ListState" else []
        expiration = [] if self.ttl_ms is None else [pa.field(EXPIRATION, pa.int64())]
        # The user's fields come last, where a later version of the processor may add to them.
        return pa.schema([*index, *expiration, *self.value.fields])

    def layout(self, group: GroupKeys) -> StoreLayout:
        """How the store reads: the grouping key, a map's own key; the value, and when it is over."""
        key, keys = key_parts(group.names, group), group
        if self.kind == "MapState":
            user = self.user_keys
            keys = GroupKeys((*group.names, *user.names), (*group.types, *user.types))
            parts = [
                Part(name, kind, Source("key", number=len(group.names) + i))
                for i, (name, kind) in enumerate(zip(self.user_key.schema.names, user.types, strict=True))
            ]
            key = (*key, _struct_part("userKey", parts))
        fields = zip(self.schema.names, self.value.fields, strict=True)
        value = tuple(Part(name, stored.type, Source("column", stored.name)) for name, stored in fields)
        if self.ttl_ms is not None:
            value = (_struct_part("value", value), *column_parts(pa.schema([(EXPIRATION, pa.int64())])))
        is_list = self.kind == "ListState"
        return StoreLayout(keys, self.value_schema, key, value, self.event_time, multi_row=is_list)

    @property
    def event_time(self) -> str | None:
        """The column that orders eviction."""
        return None if self.ttl_ms is None else EXPIRATION

    def values(self, rows: Sequence[StateRow], now_ms: int, index: np.ndarray | None = None) -> pa.Table:
        """The store's value rows, written now."""
        columns = [] if index is None else [pa.array(index)]
        if self.ttl_ms is not None:
            columns.append(pa.repeat(pa.scalar(now_ms + self.ttl_ms), len(rows)))
        return pa.Table.from_arrays([*columns, *self.value.to_arrow(rows)], schema=self.value_schema)

    def rows(self, values: pa.Table) -> list[StateRow]:
        """The user's rows in the store's value rows."""
        return self.value.from_arrow(values.columns[len(self.value_schema) - len(self.schema) :])

    def are_alive(self, values: pa.Table, now_ms: int) -> np.ndarray:
        """Which rows have not expired."""
        if self.ttl_ms is None:
            return np.ones(values.num_rows, dtype=bool)
        alive = pc.fill_null(pc.greater(values.column(EXPIRATION), now_ms), False)
        return alive.to_numpy().astype(bool)


def _struct_part(name: str, parts: Sequence[Part]) -> Part:
    return Part(name, pa.struct([part.field for part in parts]), Source("struct", parts=tuple(parts)))

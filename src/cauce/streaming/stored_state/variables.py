"""State variables and timers of transformWithState, under the columns that Spark's reader gives them.

Follows SchemaUtil.scala of Apache Spark 4.2: a list has a row for each element and a map one for each entry,
unless `flattenCollectionTypes` is false.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.layout import Part, StoreLayout
from cauce.streaming.operators.transform_with_state.timers import TIMER_STORES
from cauce.streaming.operators.transform_with_state.variables import INDEX
from cauce.streaming.stored_state.stores import StoredStore
from cauce.streaming.stored_state.views import distinct_numbers, hashes

__all__ = ["TIMERS", "Shape", "shape_of"]

USER_KEY = "userKey"
TIMERS = frozenset(TIMER_STORES.values())
"""The names of the stores of timers."""

Kind = Literal["value", "list", "map", "timers"]


@dataclass(frozen=True)
class Shape:
    """How a variable's rows are shown."""

    layout: StoreLayout
    kind: Kind
    flattens: bool
    """Whether every element of a list, or entry of a map, is a row."""

    @property
    def fields(self) -> list[pa.Field]:
        """The columns before partition_id."""
        value = pa.struct([part.field for part in self.layout.value])
        key = pa.field("key", pa.struct([part.field for part in self._group]))
        user_key = self.layout.key[-1].type
        match self.kind:
            case "timers":
                return [key, pa.field("expiration_timestamp_ms", pa.int64())]
            case "list" if self.flattens:
                return [key, pa.field("list_element", value)]
            case "list":
                return [key, pa.field("list_value", pa.list_(value))]
            case "map" if self.flattens:
                return [key, pa.field("user_map_key", user_key), pa.field("user_map_value", value)]
            case "map":
                return [key, pa.field("map_value", pa.map_(user_key, value))]
        return [key, pa.field("value", value)]

    def columns(self, rows: pa.Table) -> list[pa.Array]:
        """Stored rows under `fields`."""
        if self.kind == "list":
            rows = rows.sort_by(INDEX)
        keys, values = self.layout.key_rows(rows), self.layout.value_rows(rows)
        groups = pa.StructArray.from_arrays(
            [keys.field(i) for i in range(len(self._group))], fields=[part.field for part in self._group]
        )
        user_keys = keys.field(len(self.layout.key) - 1)
        match self.kind:
            case "timers":
                return [groups, user_keys]
            case "map" if self.flattens:
                return [groups, user_keys, values]
            case "list" | "map" if not self.flattens:
                return self._gathered(groups, user_keys, values)
        return [groups, values]

    @property
    def _group(self) -> Sequence[Part]:
        """The parts of the key that are the grouping key."""
        return self.layout.key[:-1] if self.kind in ("map", "timers") else self.layout.key

    def _gathered(self, groups: pa.Array, user_keys: pa.Array, values: pa.Array) -> list[pa.Array]:
        """One row per grouping key, its elements in their order."""
        first, number = distinct_numbers(hashes([groups]))
        order = pa.array(np.argsort(number, kind="stable"))
        counts = np.bincount(number, minlength=len(first))
        offsets = pa.array(np.append(0, np.cumsum(counts)).astype(np.int32))
        of_group, elements = groups.take(pa.array(first)), values.take(order)
        if self.kind == "list":
            return [of_group, pa.ListArray.from_arrays(offsets, elements)]
        return [of_group, pa.MapArray.from_arrays(offsets, user_keys.take(order), elements)]


def shape_of(store: StoredStore, *, flattens: bool) -> Shape:
    """The shape of a variable, as its layout tells."""
    layout = store.layout
    if store.own_name in TIMERS:
        return Shape(layout, "timers", flattens)
    if layout.key[-1].name == USER_KEY and layout.key[-1].source.how == "struct":
        return Shape(layout, "map", flattens)
    return Shape(layout, "list" if layout.multi_row else "value", flattens)

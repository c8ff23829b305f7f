"""A state store as plain Python dictionaries, to compare the real one with; and rows of every key type."""

import datetime
import decimal
import math
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa

__all__ = ["KEY_TYPES", "Model", "canonical", "rows_of", "table"]

Row = tuple[Any, ...]
NAN = object()

KEY_TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "long": (pa.int64(), st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]) | st.integers(0, 40)),
    "byte": (pa.int8(), st.integers(-128, 127)),
    "double": (pa.float64(), st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1.5, 5e-324])),
    "float": (pa.float32(), st.sampled_from([0.0, -0.0, math.nan, math.inf, 0.5])),
    "boolean": (pa.bool_(), st.booleans()),
    "string": (
        pa.string(),
        st.text(max_size=12) | st.sampled_from(["", "\0", "\0\0", "ñandú", "k" * 8, "k" * 9, "k" * 5000]),
    ),
    "binary": (pa.binary(), st.binary(max_size=20) | st.sampled_from([b"", b"\0", b"\0" * 200])),
    "decimal": (
        pa.decimal128(20, 2),
        st.decimals(-(10**17), 10**17, places=2, allow_nan=False) | st.just(decimal.Decimal("0.00")),
    ),
    "date": (pa.date32(), st.dates(datetime.date(1, 1, 1))),
    "timestamp": (pa.timestamp("us"), st.datetimes(datetime.datetime(1, 1, 1))),
    "struct": (
        pa.struct([("a", pa.int64()), ("b", pa.string())]),
        st.fixed_dictionaries({"a": st.none() | st.integers(0, 3), "b": st.none() | st.text(max_size=3)}),
    ),
    "list": (pa.list_(pa.int32()), st.lists(st.none() | st.integers(0, 2), max_size=4)),
    "list of strings": (pa.list_(pa.string()), st.lists(st.text("ab", max_size=3), max_size=3)),
    "list of structs": (
        pa.list_(pa.struct([("x", pa.float64())])),
        st.lists(
            st.none() | st.fixed_dictionaries({"x": st.sampled_from([0.0, -0.0, math.nan])}), max_size=3
        ),
    ),
}


def canonical(value: Any) -> Any:
    """Equal for equal keys by Spark's rules, hashable."""
    if isinstance(value, float):
        return NAN if math.isnan(value) else value + 0.0
    if isinstance(value, dict):
        return tuple((name, canonical(item)) for name, item in sorted(value.items()))
    if isinstance(value, list):
        return ("list", *map(canonical, value))
    return value


def rows_of(table: pa.Table) -> list[Row]:
    columns = [[canonical(value) for value in column.to_pylist()] for column in table.columns]
    return list(zip(*columns, strict=True))


def table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(schema.types)]
    return pa.Table.from_arrays(columns, schema=schema)


class Model:
    """Key -> rows, each row a tuple of canonical values; the event time is one column of key + row."""

    def __init__(self, event_index: int, *, multi_row: bool) -> None:
        self.rows: dict[Row, list[Row]] = {}
        self._event_index, self._multi_row = event_index, multi_row

    def copy(self) -> "Model":
        other = Model(self._event_index, multi_row=self._multi_row)
        other.rows = {key: list(rows) for key, rows in self.rows.items()}
        return other

    def put(self, keys: list[Row], values: list[Row]) -> None:
        for key, value in zip(keys, values, strict=True):
            self.rows[key] = [*self.rows.get(key, []), value] if self._multi_row else [value]

    def remove(self, keys: list[Row]) -> int:
        return sum(len(self.rows.pop(key, [])) for key in keys)

    def expired(self, threshold: int) -> list[Row]:
        return [row for row in self.all() if self._is_expired(row, threshold)]

    def evict(self, threshold: int) -> list[Row]:
        evicted = self.expired(threshold)
        for key in list(self.rows):
            kept = [row for row in self.rows[key] if not self._is_expired(key + row, threshold)]
            self.rows[key] = kept
            if not kept:
                del self.rows[key]
        return evicted

    def all(self) -> list[Row]:
        return [key + row for key, rows in self.rows.items() for row in rows]

    def _is_expired(self, row: Row, threshold: int) -> bool:
        return row[self._event_index] is not None and row[self._event_index] <= threshold

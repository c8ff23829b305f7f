"""Rows of a store as Spark shows them: a struct called key, a struct called value."""

import numpy as np
import pyarrow as pa

from cauce.state.hashing import KeyHasher
from cauce.streaming.operators.layout import Part, StoreLayout
from cauce.streaming.operators.physical import one_piece
from cauce.streaming.stored_state.stores import View

__all__ = ["distinct_numbers", "hashes", "identities", "key_type", "pairs", "value_type"]

SEED = bytes(16)
"""Nobody chooses keys against a hash that lives for one reading; the same seed makes hashes comparable."""

INDEX = pa.field("index", pa.int64())
COUNT = pa.field("value", pa.int64())


def key_type(layout: StoreLayout, view: View) -> pa.DataType:
    fields = [part.field for part in layout.key]
    return pa.struct([*fields, INDEX] if view == "numbered" else fields)


def value_type(layout: StoreLayout, view: View) -> pa.DataType:
    if view == "counts":
        return pa.struct([COUNT])
    return pa.struct([part.field for part in _shown(layout, view)])


def pairs(layout: StoreLayout, view: View, rows: pa.Table) -> tuple[pa.Array, pa.Array]:
    """The keys and values of stored rows, in their order."""
    if view == "counts":
        return _counts(layout, rows)
    keys, values = layout.key_rows(rows), layout.value_rows(rows)
    if view == "rows":
        return keys, values
    shown = [layout.value.index(part) for part in _shown(layout, view)]
    values = pa.StructArray.from_arrays(
        [values.field(i) for i in shown], fields=[layout.value[i].field for i in shown]
    )
    if view == "numbered":
        columns = [keys.field(i) for i in range(keys.type.num_fields)]
        keys = pa.StructArray.from_arrays(
            [*columns, pa.array(_places(layout, rows))], fields=[*key_type(layout, view)]
        )
    return keys, values


def identities(layout: StoreLayout, rows: pa.Table) -> np.ndarray:
    """A hash of what makes a row the one it is: its stored key, and what else is shown of it as its key."""
    names = [*layout.key_schema.names, *(p.source.name for p in layout.key if p.source.how == "column")]
    return hashes([one_piece(rows.column(name)) for name in names])


def hashes(columns: list[pa.Array]) -> np.ndarray:
    """Equal for equal rows, and different for others."""
    pairs_of_words = KeyHasher([column.type for column in columns], SEED)(columns)
    return np.ascontiguousarray(pairs_of_words).view([("low", np.uint64), ("high", np.uint64)]).reshape(-1)


def distinct_numbers(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first position of each distinct hash, and for every row which of them it has."""
    _, first, number = np.unique(hashes, return_index=True, return_inverse=True)
    return first, number.reshape(-1)


def _shown(layout: StoreLayout, view: View) -> list[Part]:
    return [part for part in layout.value if view != "side" or part.name not in layout.hidden]


def _counts(layout: StoreLayout, rows: pa.Table) -> tuple[pa.Array, pa.Array]:
    first, number = distinct_numbers(identities(layout, rows))
    counts = pa.array(np.bincount(number, minlength=len(first)).astype(np.int64))
    return layout.key_rows(rows.take(pa.array(first))), pa.StructArray.from_arrays([counts], fields=[COUNT])


def _places(layout: StoreLayout, rows: pa.Table) -> np.ndarray:
    """The number of every row among those of its key, from zero."""
    _, number = distinct_numbers(identities(layout, rows))
    order = np.argsort(number, kind="stable")
    ordered = number[order]
    places = np.empty(len(number), np.int64)
    places[order] = np.arange(len(number)) - np.searchsorted(ordered, ordered)
    return places

"""Arrays as grouping keys: Arrow groups no lists, so that each one is written as a line of JSON.

The writing is exact both ways: whole numbers, texts and doubles are spelled in full, instants as their
microseconds and decimals as their digits.
"""

import json

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.kernels import Column
from cauce.streaming.operators.physical import in_utc, normalized

__all__ = ["lists_of", "texts_of"]


def texts_of(lists: Column) -> Column:
    """One text per list, null for null; equal lists give equal texts.

    A loop over rows, because nothing in Arrow writes a list; only keys that are arrays get here.
    """
    pieces = lists.chunks if isinstance(lists, pa.ChunkedArray) else [lists]
    values = [value for piece in pieces for value in _plain(piece).to_pylist()]
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def lists_of(texts: pa.Array, data_type: pa.DataType) -> pa.Array:
    """The lists that `texts_of` wrote."""
    values = [None if text is None else json.loads(text) for text in texts.to_pylist()]
    return pa.array(values, _plain_type(data_type)).cast(in_utc(data_type)).cast(data_type)


def _text(value: list) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _plain(lists: pa.Array) -> pa.Array:
    """The same lists with elements that JSON can write, in one spelling per value."""
    if not pa.types.is_list(lists.type):
        plain = _plain_type(lists.type)
        return normalized(lists if plain == lists.type else lists.cast(plain))
    # Built anew, because Arrow takes no null mask beside the offsets of a slice.
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, _plain(lists.flatten()), mask=lists.is_null())


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return kind
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or pa.types.is_time64(kind):
        return pa.int64()
    if pa.types.is_date32(kind):
        return pa.int32()
    if pa.types.is_string(kind) or pa.types.is_decimal(kind):
        return pa.string()
    raise pa.ArrowNotImplementedError(f"arrays of {kind} cannot be grouped")

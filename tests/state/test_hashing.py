"""Equal keys have equal hashes however Arrow holds them; different keys do not."""

import itertools
import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from cauce.state.hashing import KeyHasher
from tests.state.model import KEY_TYPES, canonical

SECRET = bytes(range(16))


def hashes(*columns: pa.Array) -> list[tuple[int, int]]:
    hasher = KeyHasher([column.type for column in columns], SECRET)
    return [tuple(row) for row in hasher(list(columns)).tolist()]


@pytest.mark.parametrize("name", KEY_TYPES)
@settings(deadline=None)
@given(data=st.data())
def test_hashes_are_equal_exactly_when_keys_are(name: str, data: st.DataObject) -> None:
    kind, values = KEY_TYPES[name]
    rows = data.draw(st.lists(st.none() | values, min_size=1, max_size=20))
    found: dict[Any, set[tuple[int, int]]] = {}
    for row, hashed in zip(rows, hashes(pa.array(rows, kind)), strict=True):
        found.setdefault(repr(canonical(row)), set()).add(hashed)
    assert all(len(same) == 1 for same in found.values())
    assert len(set.union(*found.values())) == len(found)


@pytest.mark.parametrize("name", KEY_TYPES)
@settings(deadline=None)
@given(data=st.data())
def test_a_slice_hashes_like_its_rows(name: str, data: st.DataObject) -> None:
    kind, values = KEY_TYPES[name]
    rows = data.draw(st.lists(st.none() | values, min_size=1, max_size=40))
    start = data.draw(st.integers(0, len(rows) - 1))
    column = pa.array(rows, kind)
    assert hashes(column.slice(start, 9)) == hashes(column)[start : start + 9]


def test_columns_do_not_run_into_each_other() -> None:
    pairs = list(itertools.product(["", "a", "ab", "b", None], repeat=2))
    columns = [pa.array([pair[i] for pair in pairs]) for i in range(2)]
    assert len(set(hashes(*columns))) == len(pairs)


def test_null_is_a_value_of_its_own() -> None:
    assert len(set(hashes(pa.array([None, 0], pa.int64())))) == 2
    assert len(set(hashes(pa.array([None, ""])))) == 2
    assert len(set(hashes(pa.array([None, [], [None]], pa.list_(pa.int64()))))) == 3
    struct = pa.struct([("a", pa.int64())])
    assert len(set(hashes(pa.array([None, {"a": None}, {"a": 0}], struct)))) == 3


def test_floats_hash_by_value() -> None:
    other_nan = np.frombuffer(np.array([0xFFF8000000000001], dtype=np.uint64).tobytes())[0]
    column = pa.array([0.0, -0.0, math.nan, -math.nan, other_nan])
    zero, minus_zero, *nans = hashes(column)
    assert zero == minus_zero and len(set(nans)) == 1


@pytest.mark.parametrize(
    ("plain", "encoded"),
    [
        (pa.array(["a", "b", None, "a"]), lambda column: column.dictionary_encode()),
        (pa.array(["a", None, "x" * 200]), lambda column: column.cast(pa.string_view())),
        (pa.array(["a", None, "x" * 200]), lambda column: column.cast(pa.large_string())),
        (pa.array([[1, 2], None, [3, 4]]), lambda column: column.cast(pa.list_(pa.int64(), 2))),
    ],
)
def test_the_encoding_does_not_matter(plain: pa.Array, encoded: Any) -> None:
    assert hashes(encoded(plain)) == hashes(plain)


def test_maps_are_hashed() -> None:
    kind = pa.map_(pa.string(), pa.int64())
    rows = [[("a", 1)], [("a", 2)], [("b", 1)], [], None, [("a", 1), ("b", 2)]]
    assert len(set(hashes(pa.array(rows, kind)))) == len(rows)


def test_another_secret_gives_other_hashes() -> None:
    column = pa.array(range(100))
    other = KeyHasher([column.type], bytes(16))([column])
    assert not np.isin(other, KeyHasher([column.type], SECRET)([column])).any()


@pytest.mark.parametrize("step", [1, 1024, 1 << 32, 1_000_000])
def test_patterned_keys_spread_evenly(step: int) -> None:
    """Keys in an arithmetic progression must not crowd the slots of a table."""
    column = pa.array(np.arange(65_536) * step)
    homes = KeyHasher([column.type], SECRET)([column])[:, 0] & np.uint64(65_535)
    assert np.bincount(homes.astype(np.int64)).max() < 12


def test_very_many_columns() -> None:
    columns = [pa.array([0, None, 0]) for _ in range(100)]
    columns[70] = pa.array([0, None, 1])
    assert len(set(hashes(*columns))) == 3

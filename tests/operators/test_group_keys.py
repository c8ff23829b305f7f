"""Which rows are one group: nulls, NaN, signed zeros, structs, arrays; and keys come back as they were."""

import math
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from cauce.errors import AnalysisException
from cauce.streaming.operators import AggregateCall, StreamingAggregate, StreamingDeduplicate
from cauce.streaming.operators.keys import GroupKeys

INSTANT = pa.timestamp("us", "America/Lima")
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
PAIR = pa.struct([("a", pa.float64()), ("b", pa.struct([("c", pa.string())]))])

COLUMNS = [
    pa.array([True, False, None]),
    pa.array([1, -1, None], pa.int8()),
    pa.array([1.5, math.inf, None], pa.float32()),
    pa.array(["", "ñ🙂", None]),
    pa.array([b"", b"\x00", None]),
    pa.array([Decimal("1.20"), Decimal("-3.00"), None], pa.decimal128(38, 2)),
    pa.array([MOMENT, None], INSTANT),
    pa.array([MOMENT.date(), None], pa.date32()),
    pa.array(
        [{"a": 1.0, "b": {"c": "x"}}, {"a": None, "b": {"c": None}}, {"a": None, "b": None}, None], PAIR
    ),
    pa.array([[], [1, None], [None], None], pa.list_(pa.int32())),
    pa.array([["a,b", '"'], ["a", 'b"'], None], pa.list_(pa.string())),
    pa.array([[MOMENT], [None], None], pa.list_(INSTANT)),
    pa.array([[Decimal("1.20")], []], pa.list_(pa.decimal128(10, 2))),
    pa.array([[[0.1], []], [[]], [None], []], pa.list_(pa.list_(pa.float64()))),
    pa.array([{"l": [1]}, {"l": None}, None], pa.struct([("l", pa.list_(pa.int64()))])),
]


def groups(column: pa.Array) -> list:
    """The keys and counts of one batch, in the order of the rows."""
    operator = StreamingAggregate(
        pa.schema([("k", column.type)]), ["k"], [AggregateCall("count", "n", pa.int64())], None, None
    )
    batch = pa.table([column], names=["k"])
    keys, buffers = operator.aggregation.partial(operator.keys.flatten(batch), batch)
    restored = operator.keys.restore(keys)[0].to_pylist()
    return sorted(zip(restored, buffers[0].to_pylist(), strict=True), key=str)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type))
def test_different_keys_are_groups_of_their_own_and_come_back_unchanged(column):
    twice = pa.concat_arrays([column, column])
    assert groups(twice) == sorted(((key, 2) for key in column.to_pylist()), key=str)
    keys = GroupKeys(("k",), (column.type,))
    assert keys.restore(keys.flatten(pa.table([column], names=["k"])))[0].equals(column)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0.0, -0.0, math.nan, -math.nan]),
        pa.array(
            [{"a": 0.0}, {"a": -0.0}, {"a": math.nan}, {"a": -math.nan}], pa.struct([("a", pa.float64())])
        ),
        pa.array([[0.0], [-0.0], [math.nan], [-math.nan]], pa.list_(pa.float64())),
    ],
    ids=["plain", "in a struct", "in an array"],
)
def test_signed_zeros_are_one_key_and_so_are_all_nan(column):
    assert [count for _, count in groups(column)] == [2, 2]


def test_pieces_of_a_sliced_and_chunked_table_are_read_right():
    column = pa.array([[9], [1, 2], None, [3]], pa.list_(pa.int64()))
    table = pa.table([pa.chunked_array([column.slice(1, 2), column.slice(3)])], names=["k"])
    keys = GroupKeys(("k",), (column.type,))
    assert keys.restore(keys.flatten(table))[0].to_pylist() == [[1, 2], None, [3]]


def test_a_key_that_cannot_be_grouped_is_refused_before_the_query_runs():
    schema = pa.schema([("k", pa.map_(pa.string(), pa.int64()))])
    with pytest.raises(AnalysisException, match="Grouping by k map.* is not supported on streams"):
        StreamingAggregate(schema, ["k"], [AggregateCall("count", "n", pa.int64())], None, None)
    with pytest.raises(AnalysisException, match="Grouping by k map"):
        StreamingDeduplicate(schema, ["k"], None, None)

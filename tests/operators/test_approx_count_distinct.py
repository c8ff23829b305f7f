"""approx_count_distinct hashes and estimates exactly as Apache Spark; the numbers were measured on it."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from cauce.streaming.operators import AggregateCall
from cauce.streaming.operators.aggregates import Aggregation
from cauce.streaming.operators.aggregates.xxhash64 import xxhash64

ALPHABET = "abcdefghijklmnopqrstuvwxyz012345"
PAIR = pa.struct([("a", pa.int32()), ("b", pa.string())])

HASHES = [
    (pa.array([-7], pa.int32()), 4987848727247274714),
    (pa.array([True]), -6698625589789238999),
    (pa.array([-7]), -1663473129717591079),
    (pa.array([1.5]), 7738255526519901366),
    (pa.array([1.5], pa.float32()), 6163473420726370430),
    (pa.array([""]), -7444071767201028348),
    (pa.array(["abc"]), 1423657621850124518),
    (pa.array(["abcdefg"]), 3761890393722740389),
    (pa.array(["abcdefghijklm"]), -3720345996457672580),
    (pa.array([ALPHABET]), 221923967055193886),
    (pa.array([ALPHABET * 2 + "ABCDEFGHIJKLM"]), 3401988767419347698),
    (pa.array([Decimal("12.34")], pa.decimal128(10, 2)), -3802813071951760351),
    (pa.array([Decimal("-12345678901234567890.12")], pa.decimal128(38, 2)), 2794727827352827620),
    (pa.array([{"a": 1, "b": "x"}], PAIR), 8510603489595372987),
    (pa.array([{"a": None, "b": "x"}], PAIR), -5636050478767222463),
    (pa.array([datetime.date(2026, 1, 2)]), -3731820367656469160),
    (pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5)], pa.timestamp("us", "UTC")), -1912909493656214228),
]

ESTIMATES = {
    0.3: {
        1: 1,
        10: 13,
        100: 80,
        300: 302,
        500: 374,
        1000: 979,
        2000: 2442,
        3000: 3016,
        5000: 5387,
        20000: 24816,
        100000: 78139,
        300000: 315834,
    },
    0.05: {
        1: 1,
        10: 10,
        100: 103,
        300: 296,
        500: 484,
        1000: 1026,
        2000: 1947,
        3000: 2770,
        5000: 4671,
        20000: 19522,
        100000: 95546,
        300000: 288057,
    },
    0.02: {
        1: 1,
        10: 10,
        100: 100,
        300: 300,
        500: 499,
        1000: 992,
        2000: 2019,
        3000: 2975,
        5000: 4908,
        20000: 19801,
        100000: 100183,
        300000: 297905,
    },
    0.01: {
        1: 1,
        10: 10,
        100: 100,
        300: 301,
        500: 500,
        1000: 996,
        2000: 2013,
        3000: 2991,
        5000: 4957,
        20000: 19867,
        100000: 100425,
        300000: 298759,
    },
}
"""Relative standard deviation -> number of distinct longs -> estimate."""


@pytest.mark.parametrize(("value", "expected"), HASHES)
def test_hash(value, expected):
    assert xxhash64(value).view(np.int64).tolist() == [expected]


def test_a_null_leaves_the_seed():
    assert xxhash64(pa.array([None, 1], pa.int64()))[0] == 42


@pytest.mark.parametrize("relative_sd", ESTIMATES)
def test_estimates_in_one_batch_and_in_two(relative_sd):
    call = AggregateCall(
        "approx_count_distinct", "c", pa.int64(), ("id",), (pa.int64(),), parameters=(relative_sd,)
    )
    aggregation = Aggregation([call])

    def buffers(start: int, end: int):
        rows = pa.table({"id": np.arange(start, end)})
        keys = pa.table({"k": np.zeros(end - start, np.int8)})
        return aggregation.partial(keys, rows)[1]

    for count, expected in ESTIMATES[relative_sd].items():
        whole = aggregation.finish(buffers(0, count))[0]
        halves = aggregation.merge(buffers(0, count // 2 + 1), buffers(count // 3, count))
        assert (whole.to_pylist(), aggregation.finish(halves)[0].to_pylist()) == ([expected], [expected])

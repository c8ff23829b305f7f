"""approx_count_distinct: HyperLogLog++ with Spark's hash, registers and corrections.

"HyperLogLog in Practice" (Heule, Nunkesser, Hall 2013) as HyperLogLogPlusPlusHelper.scala of Apache
Spark 4.2 applies it, so that the estimates are Spark's to the digit. hyper_log_log_bias.json holds the
tables of that paper's appendix.
"""

import functools
import json
import math
from importlib import resources
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.errors import AnalysisException
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.segments import Segments
from cauce.streaming.operators.aggregates.xxhash64 import is_hashable, xxhash64

__all__ = ["ApproxCountDistinct"]

RELATIVE_SD = 0.05
"""Spark's default."""

NEIGHBOURS = 6
"""Points of the bias table that are averaged."""


class ApproxCountDistinct:
    """The registers of a group are one binary value: one byte each, in order."""

    buffer_types = (pa.binary(),)

    def __init__(self, call: AggregateCall) -> None:
        self.call = call
        if not all(is_hashable(kind) for kind in call.input_types):
            raise AnalysisException(None, f"{call.function} is not supported over {call.input_types[0]}.")
        relative_sd = float(call.parameters[0]) if call.parameters else RELATIVE_SD
        self._precision = math.ceil(2.0 * math.log(1.106 / relative_sd) / math.log(2.0))
        self._size = 1 << self._precision

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.complete_positions(self.call), "list"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        values = Segments.of(results[0]).take(rows.original(self.call))
        hashes = xxhash64(values.members)
        index = (hashes >> np.uint64(64 - self._precision)).astype(np.int64)
        registers = np.zeros(values.num_groups * self._size, np.uint8)
        np.maximum.at(registers, values.groups * self._size + index, self._leading_zeros(hashes))
        return [self._binary(registers)]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        return [self._binary(np.maximum(self._registers(old[0]), self._registers(new[0])).ravel())]

    def finish(self, buffers: Buffers) -> pa.Array:
        return pa.array(self._estimates(self._registers(buffers[0])))

    def _leading_zeros(self, hashes: np.ndarray) -> np.ndarray:
        """One more than the zeros in front of the bits that do not choose the register."""
        padding = np.uint64(1 << (self._precision - 1))
        rest = hashes << np.uint64(self._precision) | padding
        return (64 - _bit_lengths(rest) + 1).astype(np.uint8)

    def _registers(self, buffer: pa.Array) -> np.ndarray:
        """A row of registers per group; a group that has seen nothing has zeros."""
        filled = buffer.fill_null(bytes(self._size))
        data = np.frombuffer(filled.buffers()[2] or b"", np.uint8)
        offsets = np.frombuffer(filled.buffers()[1], np.int32)[filled.offset :][: len(filled) + 1]
        return data[offsets[0] : offsets[-1]].reshape(-1, self._size)

    def _binary(self, registers: np.ndarray) -> pa.Array:
        count = len(registers) // self._size
        offsets = np.arange(count + 1, dtype=np.int32) * np.int32(self._size)
        buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(registers.tobytes())]
        return pa.Array.from_buffers(pa.binary(), count, buffers)

    def _estimates(self, registers: np.ndarray) -> np.ndarray:
        size, precision = self._size, self._precision
        empty = np.count_nonzero(registers == 0, axis=1)
        raw = _alpha(precision) * size * size / np.ldexp(1.0, -registers.astype(np.int32)).sum(axis=1)
        with np.errstate(divide="ignore"):
            linear = size * np.log(size / empty)
        small = raw <= 2.5 * size
        if precision < 19:
            small |= linear <= _tables()["thresholds"][precision - 4]
        estimates = np.where((empty > 0) & small, linear, raw)
        biased = ~((empty > 0) & small) & (raw < 5.0 * size) & (precision < 19)
        estimates[biased] -= self._biases(raw[biased])
        return np.floor(estimates + 0.5).astype(np.int64)

    def _biases(self, raw: np.ndarray) -> np.ndarray:
        """The mean bias at the table's nearest raw estimates.

        A loop over groups: the window of neighbours moves one step at a time, as Spark moves it.
        """
        estimates, biases = (np.array(_tables()[name][self._precision - 4]) for name in ("raw", "bias"))
        return np.array([_bias(float(estimate), estimates, biases) for estimate in raw])


def _bias(raw: float, estimates: np.ndarray, biases: np.ndarray) -> float:
    low = max(int(np.searchsorted(estimates, raw)) - NEIGHBOURS + 1, 0)
    high = min(low + NEIGHBOURS, len(estimates))
    while high < len(estimates) and (raw - estimates[high]) ** 2 < (raw - estimates[low]) ** 2:
        low, high = low + 1, high + 1
    return float(biases[low:high].sum()) / (high - low)


def _alpha(precision: int) -> float:
    return {4: 0.673, 5: 0.697, 6: 0.709}.get(precision, 0.7213 / (1.0 + 1.079 / (1 << precision)))


def _bit_lengths(words: np.ndarray) -> np.ndarray:
    """Position of the highest bit set, counted from 1; exact, unlike a logarithm."""
    lengths = np.zeros(len(words), np.int64)
    for step in (32, 16, 8, 4, 2, 1):
        high = words >> np.uint64(step)
        larger = high > 0
        lengths[larger] += step
        words = np.where(larger, high, words)
    return lengths + (words > 0)


@functools.cache
def _tables() -> dict[str, Any]:
    folder = resources.files("cauce.streaming.operators.aggregates")
    return json.loads(folder.joinpath("hyper_log_log_bias.json").read_text())

"""covar_*, corr and regr_*: two columns together, over the rows in which both have a value.

Buffers and merge are those of Covariance.scala and Corr.scala of Apache Spark 4.2: n, both means, and
the sums of products of the distances from them.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from cauce.errors import ArithmeticException
from cauce.streaming.operators.aggregates.moments import Result, doubles, numbers
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows
from cauce.streaming.operators.aggregates.segments import Segments
from cauce.streaming.operators.kernels import pc

__all__ = [
    "Correlation",
    "Covariance",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
]


class Covariance:
    """n, mean x, mean y, sum of dx * dy, sum of dx * dx, sum of dy * dy; and what `result` makes of them.

    x is the first argument and y the second, as in Spark's corr(x, y).
    """

    buffer_types = (pa.float64(),) * 6

    def __init__(self, call: AggregateCall, result: Callable[..., Result]) -> None:
        self.call = call
        self.result = result

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        return (Request(rows.complete_positions(self.call), "list"),)

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        positions = Segments.of(results[0])
        x, y = (self._values(rows, positions, i) for i in (0, 1))
        n = positions.counts.astype(np.float64)
        with np.errstate(all="ignore"):
            mean_x = np.where(n == 0, 0.0, positions.sums(x) / n)
            mean_y = np.where(n == 0, 0.0, positions.sums(y) / n)
            dx, dy = x - mean_x[positions.groups], y - mean_y[positions.groups]
            sums = [positions.sums(dx * dy), positions.sums(dx * dx), positions.sums(dy * dy)]
        return [pa.array(column) for column in (n, mean_x, mean_y, *sums)]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        n1, x1, y1, *sums1 = (numbers(buffer) for buffer in old)
        n2, x2, y2, *sums2 = (numbers(buffer) for buffer in new)
        n = n1 + n2
        one_side = (n1 == 0) | (n2 == 0)
        with np.errstate(all="ignore"):
            dx, dy = np.where(one_side, 0.0, x2 - x1), np.where(one_side, 0.0, y2 - y1)
            weight = np.where(one_side, 0.0, n1 * n2 / n)
            mean_x = np.where(n1 == 0, x2, x1 + np.where(one_side, 0.0, dx / n * n2))
            mean_y = np.where(n1 == 0, y2, y1 + np.where(one_side, 0.0, dy / n * n2))
            spread = (dx * dy * weight, dx * dx * weight, dy * dy * weight)
            merged = [a + b + c for a, b, c in zip(sums1, sums2, spread, strict=True)]
        return [pa.array(column) for column in (n, mean_x, mean_y, *merged)]

    def finish(self, buffers: Buffers) -> pa.Array:
        with np.errstate(all="ignore"):
            values, is_null = self.result(*(numbers(buffer) for buffer in buffers))
        return pa.array(values, pa.float64(), mask=is_null).cast(self.call.output_type)

    def _values(self, rows: Rows, positions: Segments, argument: int) -> np.ndarray:
        column = rows.array(doubles(rows, rows.argument(self.call, argument)))
        return positions.take(column).members.to_numpy(zero_copy_only=False)


class Correlation(Covariance):
    """corr(x, y). Where one of them does not vary, Spark divides by zero."""

    def __init__(self, call: AggregateCall) -> None:
        super().__init__(call, _correlation)

    def finish(self, buffers: Buffers) -> pa.Array:
        n, _, _, _, xx, yy = (numbers(buffer) for buffer in buffers)
        constant = (n > 1) & (xx * yy == 0)
        if not constant.any():
            return super().finish(buffers)
        if self.call.ansi:
            raise ArithmeticException("DIVIDE_BY_ZERO", config='"spark.sql.ansi.enabled"')
        return pc.if_else(pa.array(constant), pa.scalar(None, pa.float64()), super().finish(buffers))


def covar_pop(n: np.ndarray, x: np.ndarray, y: np.ndarray, xy: np.ndarray, *_: np.ndarray) -> Result:
    return xy / n, n == 0


def covar_samp(n: np.ndarray, x: np.ndarray, y: np.ndarray, xy: np.ndarray, *_: np.ndarray) -> Result:
    return xy / (n - 1), n <= 1


def _correlation(n: np.ndarray, x: np.ndarray, y: np.ndarray, *sums: np.ndarray) -> Result:
    xy, xx, yy = sums
    return xy / np.sqrt(xx * yy), n <= 1


# In regr_*(y, x) the first argument is the dependent variable, so that x here is their y.


def regr_count(n: np.ndarray, *_: np.ndarray) -> Result:
    return n, np.zeros(len(n), bool)


def regr_avgx(n: np.ndarray, x: np.ndarray, y: np.ndarray, *_: np.ndarray) -> Result:
    return y, n == 0


def regr_avgy(n: np.ndarray, x: np.ndarray, *_: np.ndarray) -> Result:
    return x, n == 0


def regr_sxx(n: np.ndarray, x: np.ndarray, y: np.ndarray, *sums: np.ndarray) -> Result:
    return sums[2], n == 0


def regr_syy(n: np.ndarray, x: np.ndarray, y: np.ndarray, *sums: np.ndarray) -> Result:
    return sums[1], n == 0


def regr_sxy(n: np.ndarray, x: np.ndarray, y: np.ndarray, *sums: np.ndarray) -> Result:
    return sums[0], n == 0


def regr_slope(n: np.ndarray, x: np.ndarray, y: np.ndarray, *sums: np.ndarray) -> Result:
    return sums[0] / sums[2], (n == 0) | (sums[2] == 0)


def regr_intercept(n: np.ndarray, x: np.ndarray, y: np.ndarray, *sums: np.ndarray) -> Result:
    return x - sums[0] / sums[2] * y, (n == 0) | (sums[2] == 0)


def regr_r2(n: np.ndarray, x: np.ndarray, y: np.ndarray, *sums: np.ndarray) -> Result:
    """A vertical line has none; a horizontal one fits perfectly."""
    xy, xx, yy = sums
    ratio = xy / np.sqrt(xx * yy)
    return np.where(xx == 0, 1.0, ratio * ratio), (n == 0) | (yy == 0)

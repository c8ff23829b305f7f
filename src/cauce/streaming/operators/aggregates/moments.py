"""stddev, variance, skewness and kurtosis: central moments that merge without losing precision.

Buffers and merge are those of CentralMomentAgg.scala of Apache Spark 4.2: n, mean, and the sums of
the 2nd to 4th powers of the distance from the mean.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.decimals import doubles_of
from cauce.streaming.operators.aggregates.rows import AggregateCall, Buffers, Request, Rows

__all__ = [
    "Moments",
    "doubles",
    "kurtosis",
    "numbers",
    "skewness",
    "stddev_pop",
    "stddev_samp",
    "var_pop",
    "var_samp",
]

Result = tuple[np.ndarray, np.ndarray]
"""Values, and which of them are null."""

STANDARD = ("mean", "variance", "skew", "kurtosis")
"""Arrow's aggregates for the 1st to 4th moment; all of them those of a population."""


class Moments:
    """The first `order` moments, and what `result` makes of them."""

    def __init__(self, call: AggregateCall, order: int, result: Callable[..., Result]) -> None:
        self.call = call
        self.order = order
        self.result = result
        self.buffer_types = (pa.float64(),) * (order + 1)

    def prepare(self, rows: Rows) -> tuple[Request, ...]:
        name = doubles(rows, rows.argument(self.call))
        return (Request(name, "count"), *(Request(name, moment) for moment in STANDARD[: self.order]))

    def partial(self, rows: Rows, results: Buffers) -> Buffers:
        n, mean, *standard = (numbers(result) for result in results)
        with np.errstate(all="ignore"):
            return [pa.array(column) for column in (n, mean, *_sums_of_powers(n, standard))]

    def merge(self, old: Buffers, new: Buffers) -> Buffers:
        first, second = [numbers(buffer) for buffer in old], [numbers(buffer) for buffer in new]
        with np.errstate(all="ignore"):
            return [pa.array(column) for column in _merged(first, second)]

    def finish(self, buffers: Buffers) -> pa.Array:
        n, _, *sums = (numbers(buffer) for buffer in buffers)
        with np.errstate(all="ignore"):
            values, is_null = self.result(n, *sums)
        return pa.array(values, pa.float64(), mask=is_null)


def doubles(rows: Rows, name: str) -> str:
    """The column as doubles, which is how Spark takes statistics of any number."""
    column = rows.column(name)
    if column.type == pa.float64():
        return name
    if pa.types.is_decimal(column.type):
        return rows.derive(f"{name}:double", lambda: doubles_of(rows.array(name)))
    return rows.derive(f"{name}:double", lambda: column.cast(pa.float64(), safe=False))


def numbers(array: pa.Array) -> np.ndarray:
    """A buffer as doubles, 0 for groups that have seen nothing."""
    if pa.types.is_decimal(array.type):
        array = doubles_of(array)
    return array.cast(pa.float64(), safe=False).fill_null(0.0).to_numpy(zero_copy_only=False)


def var_samp(n: np.ndarray, m2: np.ndarray) -> Result:
    return m2 / (n - 1), n <= 1


def var_pop(n: np.ndarray, m2: np.ndarray) -> Result:
    return m2 / n, n == 0


def stddev_samp(n: np.ndarray, m2: np.ndarray) -> Result:
    return np.sqrt(m2 / (n - 1)), n <= 1


def stddev_pop(n: np.ndarray, m2: np.ndarray) -> Result:
    return np.sqrt(m2 / n), n == 0


def skewness(n: np.ndarray, m2: np.ndarray, m3: np.ndarray) -> Result:
    return np.sqrt(n) * m3 / np.sqrt(m2 * m2 * m2), (n == 0) | (m2 == 0)


def kurtosis(n: np.ndarray, m2: np.ndarray, m3: np.ndarray, m4: np.ndarray) -> Result:
    return n * m4 / (m2 * m2) - 3.0, (n == 0) | (m2 == 0)


def _sums_of_powers(n: np.ndarray, standard: Sequence[np.ndarray]) -> list[np.ndarray]:
    """m2, m3 and m4 back from variance, skewness and kurtosis, as far as they are given."""
    m2 = standard[0] * n
    sums = [m2]
    if len(standard) > 1:
        sums.append(np.where(m2 == 0, 0.0, standard[1] * np.sqrt(m2 * m2 * m2) / np.sqrt(n)))
    if len(standard) > 2:
        sums.append(np.where(m2 == 0, 0.0, (standard[2] + 3.0) * m2 * m2 / n))
    return sums


def _merged(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The moments of two sets together."""
    (n1, mean1, *sums1), (n2, mean2, *sums2) = first, second
    n = n1 + n2
    delta = np.where((n1 == 0) | (n2 == 0), 0.0, mean2 - mean1)
    step = np.where(n == 0, 0.0, delta / n)
    mean = np.where(n1 == 0, mean2, mean1 + step * n2)
    merged = [n, mean, sums1[0] + sums2[0] + delta * step * n1 * n2]
    if len(sums1) > 1:
        cross = 3.0 * step * (n1 * sums2[0] - n2 * sums1[0])
        merged.append(sums1[1] + sums2[1] + step * step * delta * n1 * n2 * (n1 - n2) + cross)
    if len(sums1) > 2:
        square = 6.0 * step * step * (n1 * n1 * sums2[0] + n2 * n2 * sums1[0])
        cube = 4.0 * step * (n1 * sums2[1] - n2 * sums1[1])
        spread = step * step * step * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
        merged.append(sums1[2] + sums2[2] + spread + square + cube)
    return merged

"""The lines of the report: what each one reads from the measurements, and the goal it is held to."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from engines import APACHE_SPARK, Numbers

__all__ = ["LINES", "Line", "Results", "advantage", "missed", "texts"]

Results = dict[str, dict[str, list[Numbers]]]
"""Engine -> measurement -> the numbers of each repetition."""

WARM_UP_BATCHES = 20


@dataclass(frozen=True)
class Line:
    """One number of each engine; the median of its repetitions counts."""

    title: str
    measurement: str
    read: Callable[[Numbers], float]
    text: Callable[[float], str]
    more_is_better: bool = False
    limit: float | None = None
    """Goal: at most this."""
    times: float | None = None
    """Goal: at least so many times better than Apache Spark."""

    def value(self, measured: dict[str, list[Numbers]]) -> float:
        return statistics.median(self.read(numbers) for numbers in measured[self.measurement])

    @property
    def goal(self) -> str:
        limit = f"≤ {self.text(self.limit)}" if self.limit is not None else ""
        times = f"≥ {self.times:g}x" if self.times is not None else ""
        return ", ".join(part for part in (limit, times) if part)


def milliseconds(value: float) -> str:
    return f"{value:,.1f} ms"


def seconds(value: float) -> str:
    return f"{value:,.2f} s"


def millions(value: float) -> str:
    return f"{value / 1e6:,.1f}M rows/s"


def megabytes(value: float) -> str:
    return f"{value:,.0f} MB"


def median(numbers: Numbers) -> float:
    return statistics.median(numbers["between_ms"][WARM_UP_BATCHES:])


def p99(numbers: Numbers) -> float:
    return statistics.quantiles(numbers["between_ms"][WARM_UP_BATCHES:], n=100, method="inclusive")[98]


def rows(numbers: Numbers) -> float:
    return numbers["rows_per_second"]


def total(numbers: Numbers) -> float:
    return numbers["total_s"]


def memory(numbers: Numbers) -> float:
    return numbers["memory_mb"]


LINES = (
    Line("Small batches, filter: median", "stateless_batches", median, milliseconds, limit=4, times=30),
    Line("Small batches, filter: p99", "stateless_batches", p99, milliseconds, limit=25),
    Line("Small batches, windows: median", "windowed_batches", median, milliseconds, limit=8, times=30),
    Line("Small batches, windows: p99", "windowed_batches", p99, milliseconds, limit=25),
    Line("Throughput, filter", "filter_rows", rows, millions, True, times=5),
    Line("Throughput, windowed count", "windowed_rows", rows, millions, True, times=5),
    Line("Throughput, windows and 1,000 keys", "keyed_rows", rows, millions, True, times=5),
    Line("Process start to first row", "start_up", total, seconds),
    Line("Memory, small windowed batches", "windowed_batches", memory, megabytes),
    Line("Memory, windows and 1,000 keys", "keyed_rows", memory, megabytes),
)


def texts(line: Line, results: Results) -> list[str]:
    return [line.text(line.value(measured)) for measured in results.values()]


def advantage(line: Line, results: Results) -> float | None:
    """How many times better the first engine is than the second, if there is one."""
    values = [line.value(measured) for measured in results.values()]
    if len(values) < 2:
        return None
    return values[0] / values[1] if line.more_is_better else values[1] / values[0]


def missed(line: Line, results: Results) -> list[str]:
    """The goals that the first engine does not reach, each with what it does reach."""
    value = line.value(next(iter(results.values())))
    times = advantage(line, results)
    found = []
    if line.limit is not None and value > line.limit:
        found.append(f"{line.title}: {line.text(value)} (goal: at most {line.text(line.limit)})")
    if line.times and times and times < line.times and APACHE_SPARK in results:
        found.append(f"{line.title}: {times:.1f}x {APACHE_SPARK} (goal: at least {line.times:g}x)")
    return found

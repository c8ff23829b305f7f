"""The lines of the report: what each one reads from the measurements, and the goal it is held to."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from engines import APACHE_SPARK, Numbers

__all__ = ["CAUCE_ONLY", "LINES", "ONCE", "STATEFUL", "Line", "Results", "advantage", "missed", "texts"]

Results = dict[str, dict[str, list[Numbers]]]
"""Engine -> measurement -> the numbers of each repetition."""

WARM_UP_BATCHES = 20

STATEFUL = (
    "count_million_keys",
    "deduplicate_users",
    "join_million_keys",
    "sessions",
    "group_state",
    "processor_frames",
    "processor_rows",
)
ONCE = (*STATEFUL, "nexmark", "state_sizes")
"""Long measurements, made in the first repetition only."""
CAUCE_ONLY = ("state_sizes",)


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

    def value(self, measured: dict[str, list[Numbers]]) -> float | None:
        """None if the engine was not measured."""
        runs = measured.get(self.measurement, [])
        return statistics.median(self.read(numbers) for numbers in runs) if runs else None

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
    return f"{value / 1e6:,.{1 if value >= 1e6 else 2}f}M rows/s"


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


def part(name: str) -> Callable[[Numbers], float]:
    return lambda numbers: numbers[name]


def times_as_long(value: float) -> str:
    return f"{value:.2f}x"


NEXMARK = ("q0", "q1", "q2", "q3", "q5", "q7", "q8", "q11", "q17", "q20")

LINES = (
    Line("Small batches, filter: median", "stateless_batches", median, milliseconds, limit=4, times=30),
    Line("Small batches, filter: p99", "stateless_batches", p99, milliseconds, limit=25),
    Line("Small batches, windows: median", "windowed_batches", median, milliseconds, limit=8, times=30),
    Line("Small batches, windows: p99", "windowed_batches", p99, milliseconds, limit=25),
    Line("Throughput, filter", "filter_rows", rows, millions, True, times=5),
    Line("Throughput, windowed count", "windowed_rows", rows, millions, True, times=5),
    Line("Throughput, windows and 1,000 keys", "keyed_rows", rows, millions, True, times=5),
    Line("Throughput, count of 1M keys", "count_million_keys", rows, millions, True, times=10),
    Line("Throughput, dedup of 5M keys", "deduplicate_users", rows, millions, True, times=10),
    Line("Throughput, join on 1M keys", "join_million_keys", rows, millions, True, times=10),
    Line("Throughput, sessions of 10,000 keys", "sessions", rows, millions, True, times=5),
    Line("Throughput, applyInPandasWithState", "group_state", rows, millions, True, times=3),
    Line("Throughput, transformWithStateInPandas", "processor_frames", rows, millions, True, times=3),
    Line("Throughput, transformWithState", "processor_rows", rows, millions, True, times=3),
    *(Line(f"Nexmark {name}", "nexmark", part(name), millions, True) for name in NEXMARK),
    Line("Batch of 100,000 rows over 10M keys", "state_sizes", part("many_ms"), milliseconds),
    Line("The same over 100,000 keys", "state_sizes", part("few_ms"), milliseconds),
    Line("How much longer over 10M keys", "state_sizes", part("ratio"), times_as_long, limit=1.3),
    Line("Restart with 10M keys, and a batch", "state_sizes", part("restart_s"), seconds, limit=10),
    Line("Process start to first row", "start_up", total, seconds),
    Line("Memory, small windowed batches", "windowed_batches", memory, megabytes),
    Line("Memory, windows and 1,000 keys", "keyed_rows", memory, megabytes),
    Line("Memory, dedup of 5M keys", "deduplicate_users", memory, megabytes, times=5),
    Line("Memory, join on 1M keys", "join_million_keys", memory, megabytes, times=5),
)


def texts(line: Line, results: Results) -> list[str]:
    values = [line.value(measured) for measured in results.values()]
    return ["" if value is None else line.text(value) for value in values]


def advantage(line: Line, results: Results) -> float | None:
    """How many times better the first engine is than the second, if there is one."""
    values = [value for measured in results.values() if (value := line.value(measured)) is not None]
    if len(values) < 2:
        return None
    return values[0] / values[1] if line.more_is_better else values[1] / values[0]


def missed(line: Line, results: Results) -> list[str]:
    """The goals that the first engine does not reach, each with what it does reach."""
    value = line.value(next(iter(results.values())))
    times = advantage(line, results)
    found = []
    if value is not None and line.limit is not None and value > line.limit:
        found.append(f"{line.title}: {line.text(value)} (goal: at most {line.text(line.limit)})")
    if line.times and times and times < line.times and APACHE_SPARK in results:
        found.append(f"{line.title}: {times:.1f}x {APACHE_SPARK} (goal: at least {line.times:g}x)")
    return found

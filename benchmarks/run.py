"""Measures cauce, and Apache Spark beside it in the same run, and writes docs/benchmarks.md and its picture.

    CAUCE_SPARK_PYTHON=.spark-venv/bin/python python benchmarks/run.py [--quick] [--folder DIR] [--out docs]

The folder decides what a durable commit costs; it should be on a disk, not in memory.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import Engine, cauce, measure, spark
from events import write_events
from picture import Bars, svg
from rich.console import Console
from rich.table import Table

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of the report: which measurement it reads, how, and whether more is better."""

    title: str
    measurement: str
    value: Callable[[Numbers], float]
    text: Callable[[float], str]
    more_is_better: bool = False


def milliseconds(value: float) -> str:
    return f"{value:,.1f} ms"


def seconds(value: float) -> str:
    return f"{value:,.2f} s"


def millions(value: float) -> str:
    return f"{value / 1e6:,.2f}M rows/s"


def megabytes(value: float) -> str:
    return f"{value:,.0f} MB"


def median(numbers: Numbers) -> float:
    return max(statistics.median(numbers["batch_ms"]), 0.5)


def p99(numbers: Numbers) -> float:
    return max(statistics.quantiles(numbers["batch_ms"], n=100)[98], 0.5)


LINES = (
    Line("Small batch, stateless, median", "stateless_batches", median, milliseconds),
    Line("Small batch, stateless, p99", "stateless_batches", p99, milliseconds),
    Line("Small batch, windowed, median", "windowed_batches", median, milliseconds),
    Line("Small batch, windowed, p99", "windowed_batches", p99, milliseconds),
    Line("Filter, from Parquet", "filter_rows", lambda n: n["rows_per_second"], millions, True),
    Line("Windowed count, from Parquet", "windowed_rows", lambda n: n["rows_per_second"], millions, True),
    Line("Process start to first row", "start_up", lambda n: n["total_s"], seconds),
    Line("Memory, small windowed batches", "windowed_batches", lambda n: n["memory_mb"], megabytes),
    Line("Memory, windowed count", "windowed_rows", lambda n: n["memory_mb"], megabytes),
)
START_UP_PARTS = {
    "interpreter_s": "interpreter and launcher",
    "import_s": "importing pyspark",
    "session_s": "server, engine and session",
    "first_batch_s": "first batch",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--folder", type=Path, default=None, help="where input and checkpoints lie")
    parser.add_argument("--out", type=Path, default=None, help="where benchmarks.md and benchmarks.svg go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as work:
        results = measure_all(Path(work), 0.1 if options.quick else 1.0)
    Console().print(table(results))
    if options.out:
        write_report(results, options.out)


def measure_all(work: Path, scale: float) -> dict[str, dict[str, Numbers]]:
    """Engine name -> measurement -> its numbers."""
    engines = [engine for engine in (cauce(), spark()) if engine]
    large = work / "large"
    write_events(large, files=16, rows_per_file=int(1_000_000 * scale), span_s=60)
    small = {}
    for engine in engines:
        # Apache Spark needs a hundred times longer for a batch; fewer tell as much.
        small[engine.name] = work / f"small-{engine.name}"
        files = int((500 if engine.name == "cauce" else 110) * max(scale, 0.3))
        write_events(small[engine.name], files=files, rows_per_file=100, span_s=1)
    return {engine.name: measured(engine, small[engine.name], large, work) for engine in engines}


def measured(engine: Engine, small: Path, large: Path, work: Path) -> dict[str, Numbers]:
    inputs = {"filter_rows": large, "windowed_rows": large}
    names = dict.fromkeys(line.measurement for line in LINES)
    found = {}
    for name in names:
        found[name] = measure(engine, name, inputs.get(name, small), work / "run")
        Console(stderr=True).print(f"{engine.name}: {name} done", style="dim")
    return found


def table(results: dict[str, dict[str, Numbers]]) -> Table:
    shown = Table(title="cauce and Apache Spark 4.2 local\\[2], one after the other on this machine")
    shown.add_column("")
    for name in results:
        shown.add_column(name, justify="right")
    shown.add_column("cauce is", justify="right")
    for line in LINES:
        shown.add_row(line.title, *texts(line, results), advantage(line, results))
    return shown


def texts(line: Line, results: dict[str, dict[str, Numbers]]) -> list[str]:
    return [line.text(line.value(numbers[line.measurement])) for numbers in results.values()]


def advantage(line: Line, results: dict[str, dict[str, Numbers]]) -> str:
    values = [line.value(numbers[line.measurement]) for numbers in results.values()]
    if len(values) < 2:
        return ""
    ratio = values[0] / values[1] if line.more_is_better else values[1] / values[0]
    word = "more" if line.more_is_better else "less"
    return f"{ratio:,.1f}x {word}"


def write_report(results: dict[str, dict[str, Numbers]], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "benchmarks.svg").write_text(picture(results))
    (out / "benchmarks.md").write_text(page(results))


def picture(results: dict[str, dict[str, Numbers]]) -> str:
    groups = [
        Bars(
            line.title,
            [
                (engine, line.value(numbers[line.measurement]), text)
                for (engine, numbers), text in zip(results.items(), texts(line, results), strict=True)
            ],
        )
        for line in LINES
    ]
    return svg("cauce beside Apache Spark local[2] (logarithmic)", groups)


def page(results: dict[str, dict[str, Numbers]]) -> str:
    rows = [[line.title, *texts(line, results), advantage(line, results)] for line in LINES]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`; run it to see your own machine. The programs are plain PySpark",
            "(`benchmarks/measurements.py`) and run unchanged on both engines, one process each, one after",
            f"the other: Python {platform.python_version()}, {os.cpu_count()} cores. cauce syncs commits,",
            "Apache Spark does not.",
            "",
            *markdown(["", *results, "cauce is"], rows),
            "",
            "![bar chart](benchmarks.svg)",
            "",
            "A small batch is one file of 100 rows, filtered or counted per key and 10 s window under a",
            "watermark, with a durable checkpoint. The large input is 16 files, four per batch, 1,000 keys.",
            "",
            "## Where the start goes",
            "",
            *markdown(["", *results], start_up_rows(results)),
            "",
            "## Where a small windowed batch goes (mean ms of each phase in progress)",
            "",
            *phase_lines(results),
            "",
        ]
    )


def start_up_rows(results: dict[str, dict[str, Numbers]]) -> list[list[str]]:
    return [
        [title, *(seconds(numbers["start_up"][key]) for numbers in results.values())]
        for key, title in START_UP_PARTS.items()
    ]


def phase_lines(results: dict[str, dict[str, Numbers]]) -> list[str]:
    return [
        f"- {engine}: `{json.dumps(numbers['windowed_batches']['phases'])}`"
        for engine, numbers in results.items()
    ]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


if __name__ == "__main__":
    main()

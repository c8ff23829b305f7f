"""docs/benchmarks.md and its picture, written from the results of one run."""

import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from lines import LINES, Line, Results, advantage, missed, texts
from picture import Bars, svg

__all__ = ["machine", "write_page"]

START_UP_PARTS = {
    "launcher_s": "before the program's first line",
    "import_s": "importing pyspark",
    "session_s": "opening the session",
    "first_batch_s": "first query, to its first row",
}
HOW = """\
The programs are plain PySpark (`benchmarks/measurements.py`) and run unchanged on both engines: one
process each, in turns, every number the median of the repetitions (here: {repetitions}). Both
engines keep their default durability: cauce fsyncs every commit, Apache Spark does not. Apache
Spark runs with `local[2]` and 2 shuffle partitions.

- **Small batches**: one Parquet file of 100 rows each, `noop` sink, a checkpoint on disk; a filter with
  a projection, and a count per 5-second window under a watermark in update mode. The duration is the time
  from the appearance of one `commits/N` in the checkpoint to the next, seen from outside by inotify: it
  holds everything a batch costs. The first 20 batches are left out.
- **Throughput**: {large} with an event time, a long and a double, four files a batch,
  `availableNow`; 10-second windows with a watermark. A first run warms up, the faster of two more counts.
- **Much state** (`benchmarks/stateful.py`): {wide}, two files a batch, once, after a first file
  that warms up: a count of 1M keys, a deduplication of 5M keys, a join of two quarters of the rows on
  1M keys within ten seconds of event time, sessions, and a user's own state of 100,000 keys in pandas.
  Apache Spark keeps state in its default store.
- **State size**: batches of 100,000 rows over 100,000 and over 10M keys; a restart with 10M keys, until
  its batch is done.
- **Nexmark** (`benchmarks/nexmark.py`): the faster of two runs, append mode.
- **Start**: from the start of the process to the first row in the hands of the program.
- **Memory**: the most resident memory of the process and its children.
"""
RERUN = """\
`make bench` measures your machine in a quarter of an hour and leaves table, picture and every single
number in `build/benchmarks`; `make bench ARGS="--out docs"` rewrites this page. `make bench ARGS=--quick`
is a sketch. `make bench-compare REF=main` runs the same measurements against another commit of cauce. Without
Java, Apache Spark is left out.
"""


def machine() -> dict[str, str]:
    """What the numbers depend on besides the code."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory_gb:.0f} GB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load": _load(),
        "Python": platform.python_version(),
        "cauce": version("cauce"),
        "Sail": version("pysail"),
        "PySpark": version("pyspark-client"),
    }
    return facts | ({"Java": _java()} if shutil.which("java") else {})


def write_page(results: Results, facts: dict[str, str], sizes: dict[str, str], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "benchmarks.svg").write_text(_picture(results), encoding="utf-8")
    (out / "benchmarks.md").write_text(_page(results, facts, sizes), encoding="utf-8")


def _processor() -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _load() -> str:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    busy = "; other work had the machine too, so trust the ratios more than the durations"
    return f"{load:.1f} when the run began" + (busy if load > cores else "")


def _java() -> str:
    first = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr.splitlines()[0]
    return first.split('"')[1] if '"' in first else first


def _picture(results: Results) -> str:
    bars = [_bars(line, results) for line in LINES]
    return svg("cauce beside Apache Spark local[2] (logarithmic)", [bar for bar in bars if bar.values])


def _bars(line: Line, results: Results) -> Bars:
    shown = texts(line, results)
    values = [line.value(measured) for measured in results.values()]
    triples = zip(results, values, shown, strict=True)
    return Bars(line.title, [(name, value, text) for name, value, text in triples if value is not None])


def _page(results: Results, facts: dict[str, str], sizes: dict[str, str]) -> str:
    repetitions = max(len(runs) for runs in results["cauce"].values())
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`; do not edit.",
            "",
            *_table(["", *results, "cauce is", "goal"], [_row(line, results) for line in LINES]),
            "",
            "![The same numbers as bars](benchmarks.svg)",
            "",
            *(f"- {name}: {fact}" for name, fact in facts.items()),
            "",
            "## Behind the goals",
            "",
            *_behind(results),
            "",
            "## What is measured",
            "",
            HOW.format(repetitions=repetitions, **sizes),
            "## Where the start goes",
            "",
            *_table(["", *results], _start_up_rows(results)),
            "",
            "The same steps for cauce, one after the other in a plain Python process:",
            "",
            *_table(["step", "ms"], _step_rows(results)),
            "",
            "## Where a small batch goes",
            "",
            "Mean milliseconds of each phase that progress reports. Each is cut to whole milliseconds, so",
            "cauce's short ones look up to one millisecond shorter than they are.",
            "",
            *_table(["", *results], _phase_rows(results)),
            "",
            "## Run it again",
            "",
            RERUN,
        ]
    )


def _row(line: Line, results: Results) -> list[str]:
    return [line.title, *texts(line, results), better(line, results), line.goal]


def better(line: Line, results: Results) -> str:
    times = advantage(line, results)
    return "" if times is None else f"{times:,.1f}x {'more' if line.more_is_better else 'less'}"


def _behind(results: Results) -> list[str]:
    found = [f"- {text}" for line in LINES for text in missed(line, results)]
    return found or ["Every goal was reached in this run."]


def _start_up_rows(results: Results) -> list[list[str]]:
    def part(engine: str, key: str) -> str:
        runs = results[engine].get("start_up", [])
        return f"{statistics.median(numbers[key] for numbers in runs):.2f} s" if runs else ""

    return [[title, *(part(name, key) for name in results)] for key, title in START_UP_PARTS.items()]


def _step_rows(results: Results) -> list[list[str]]:
    runs = [numbers["steps_ms"] for numbers in results["cauce"]["start_up_parts"]]
    return [[step, f"{statistics.median(run[step] for run in runs):.0f}"] for step in runs[0]]


def _phase_rows(results: Results) -> list[list[str]]:
    rows = []
    for title, name in (("filter", "stateless_batches"), ("windows", "windowed_batches")):
        runs = [next(iter(measured.get(name, [])), {}).get("phases", {}) for measured in results.values()]
        rows += [
            [f"{title}: {phase}", *(f"{run.get(phase, 0):.1f}" for run in runs)] for phase in sorted(runs[0])
        ]
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]

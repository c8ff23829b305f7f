"""Measures cauce, and Apache Spark in turns with it, then shows a table and writes a page with a picture.

    CAUCE_SPARK_PYTHON=.spark-venv/bin/python python benchmarks/run.py [--quick] [--out docs]
    python benchmarks/run.py --compare SOURCE_FOLDER --compare-name REF

Every number of every repetition goes to build/benchmarks/results.json. Input and checkpoints lie there
too: the disk under the project decides what a durable commit costs.
"""

import argparse
import dataclasses
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from engines import APACHE_SPARK, Engine, cauce, measure, spark
from events import write_events, write_state_sizes, write_wide_events
from lines import CAUCE_ONLY, LINES, ONCE, STATEFUL, Line, Results, missed, texts
from nexmark import write_auctions
from page import better, machine, write_page
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

BUILD = Path(__file__).parents[1] / "build" / "benchmarks"
PARTS_SCRIPT = Path(__file__).parent / "start_up_parts.py"
STEP_BY_STEP = "start_up_parts"
SMALL_ROWS = 100


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    repetitions: int
    batches: int
    spark_batches: int
    """Apache Spark needs a hundred times longer for a small batch; fewer tell as much."""
    large_files: int
    large_rows: int
    wide_files: int
    wide_rows: int
    keys_divided_by: int = 1

    @property
    def texts(self) -> dict[str, str]:
        """What the page says of it."""
        return {
            "large": f"{self.large_files} Parquet files of {self.large_rows:,} rows",
            "wide": f"{self.wide_files} Parquet files of {self.wide_rows:,} rows",
        }


FULL = Size(
    repetitions=2,
    batches=351,
    spark_batches=61,
    large_files=16,
    large_rows=1_000_000,
    wide_files=6,
    wide_rows=500_000,
)
QUICK = Size(
    repetitions=1,
    batches=101,
    spark_batches=41,
    large_files=4,
    large_rows=200_000,
    wide_files=4,
    wide_rows=50_000,
    keys_divided_by=10,
)


def main() -> None:
    options = parser().parse_args()
    size = QUICK if options.quick else FULL
    if options.repetitions:
        size = dataclasses.replace(size, repetitions=options.repetitions)
    console = Console()
    facts = machine()
    engines = chosen_engines(options, console)
    BUILD.mkdir(parents=True, exist_ok=True)
    results: Results = {engine.name: {} for engine in engines}
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        for _ in measure_all(engines, size, Path(folder), results, console):
            # After every repetition, so that an interrupted run leaves what it has.
            record = {"machine": facts, "results": results}
            (BUILD / "results.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
            if options.compare is None:
                write_page(results, facts, size.texts, options.out)
    console.print(table(results))
    for text in [text for line in LINES for text in missed(line, results)]:
        console.print(f"behind its goal: {text}", style="yellow")
    console.print(f"Every number: {BUILD}/results.json")


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    options.add_argument("--quick", action="store_true", help="a sketch: one repetition, little data")
    options.add_argument("--repetitions", type=int, help="of every measurement; the median counts")
    options.add_argument("--out", type=Path, default=BUILD, help="where benchmarks.md and its picture go")
    options.add_argument("--compare", type=Path, help="src folder of another cauce, instead of Apache Spark")
    options.add_argument("--compare-name", default="the other", help="what to call it")
    return options


def chosen_engines(options: argparse.Namespace, console: Console) -> list[Engine]:
    if options.compare is not None:
        return [cauce(), cauce(options.compare_name, options.compare.resolve())]
    apache = spark()
    if apache is None:
        console.print("Apache Spark is left out: CAUCE_SPARK_PYTHON or java is missing.", style="yellow")
    return [cauce(), apache] if apache else [cauce()]


def measure_all(
    engines: list[Engine], size: Size, folder: Path, results: Results, console: Console
) -> Iterator[int]:
    """Fills `results`; yields after every repetition. Engines take turns, to see the same other load."""
    inputs = write_inputs(engines, size, folder)
    names = list(dict.fromkeys(line.measurement for line in LINES))
    # The display is redrawn rarely: it shares the machine with what is measured.
    with Progress(console=console, refresh_per_second=0.5) as progress:
        task = progress.add_task("measuring", total=size.repetitions * (len(names) * len(engines) + 1))
        for repetition in range(size.repetitions):
            for name, engine in product(names, engines):
                if (repetition and name in ONCE) or (name in CAUCE_ONLY and engine.name == APACHE_SPARK):
                    progress.advance(task)
                    continue
                progress.update(task, description=f"{engine.name}: {name}")
                try:
                    numbers = measure(engine, name, inputs[engine.name, name])
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    console.print(f"{engine.name} gives no {name}: {error}", style="red", markup=False)
                else:
                    results[engine.name].setdefault(name, []).append(numbers)
                progress.advance(task)
            parts = step_by_step(engines[0], inputs[engines[0].name, "start_up"])
            results[engines[0].name].setdefault(STEP_BY_STEP, []).append(parts)
            progress.advance(task)
            yield repetition


def step_by_step(engine: Engine, folder: Path) -> dict:
    plain_python = Engine(f"{engine.name}, step by step", engine.command[:1], engine.environment)
    return measure(plain_python, STEP_BY_STEP, folder, PARTS_SCRIPT)


def write_inputs(engines: list[Engine], size: Size, folder: Path) -> dict[tuple[str, str], Path]:
    """The input folder of each engine's measurements."""
    shared = write_shared_inputs(size, folder)
    inputs: dict[tuple[str, str], Path] = {}
    for engine in engines:
        batches = size.spark_batches if engine.name == APACHE_SPARK else size.batches
        small = folder / f"small-{batches}"
        write_events(small, files=batches, rows_per_file=SMALL_ROWS, span_s=1)
        for line in LINES:
            inputs[engine.name, line.measurement] = shared.get(line.measurement, small)
    return inputs


def write_shared_inputs(size: Size, folder: Path) -> dict[str, Path]:
    """The input folder of each measurement that is the same for every engine."""
    divisor = size.keys_divided_by
    large, wide, state, site = (folder / name for name in ("large", "wide", "state", "nexmark"))
    write_events(large, files=size.large_files, rows_per_file=size.large_rows, span_s=60)
    write_wide_events(
        wide,
        files=size.wide_files,
        rows_per_file=size.wide_rows,
        keys=1_000_000 // divisor,
        users=5_000_000 // divisor,
    )
    write_state_sizes(
        state, few=100_000 // divisor, many=10_000_000 // divisor, batches=14, rows=100_000 // divisor
    )
    write_auctions(site, files=4, bids_per_file=size.wide_rows)
    throughput = dict.fromkeys(("filter_rows", "windowed_rows", "keyed_rows"), large)
    return throughput | dict.fromkeys(STATEFUL, wide) | {"nexmark": site, "state_sizes": state}


def table(results: Results) -> Table:
    shown = Table(title="In turns on this machine; medians of the repetitions")
    shown.add_column("")
    for name in [*results, f"{next(iter(results))} is", "goal"]:
        shown.add_column(name, justify="right")
    for line in LINES:
        shown.add_row(*row(line, results))
    return shown


def row(line: Line, results: Results) -> list[str]:
    return [line.title, *texts(line, results), better(line, results), line.goal]


if __name__ == "__main__":
    main()

"""The whole shop at once: generator, three queries, a live view, and at the end the proof.

Exit code 0: streamed gold equals the batch answer over all input. 1: it does not. 130: Ctrl-C.
Run again, it goes on where it stopped.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from check import Verdict, rows, verify
from live import LiveView
from pipeline import bronze, current_gold, gold, silver
from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming import StreamingQuery
from rich.console import Console
from rich.table import Table

REFRESH_S = 0.5
INTERRUPTED_EXIT_CODE = 130
PLAIN_WIDTH = 160


def start_generator(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    script = str(Path(__file__).resolve().parent / "generator.py")
    arguments = [f"--data={options.data}", f"--rate={options.rate}", f"--seconds={options.seconds}"]
    return subprocess.Popen([sys.executable, script, *arguments], stdout=subprocess.DEVNULL)


def watch(spark: SparkSession, data: Path, queries: Sequence[StreamingQuery], view: LiveView) -> None:
    """One look: raises the error of a query that failed."""
    for query in queries:
        error = query.exception()
        if error is not None:
            raise error
    view.update(lambda: streamed_gold(spark, data, queries[-1]))


def streamed_gold(spark: SparkSession, data: Path, query: StreamingQuery) -> list[Row]:
    last = query.lastProgress
    return [] if last is None else rows(current_gold(spark, data, last["batchId"]))


def drain(queries: Sequence[StreamingQuery]) -> int:
    """Let each query finish what the one before it wrote; gold's last batch."""
    for query in queries:
        query.processAllAvailable()
    last = queries[-1].lastProgress
    return -1 if last is None else last["batchId"]


def report(verdict: Verdict, console: Console) -> None:
    """Both answers side by side, and the verdict."""
    table = Table(title="Gold over all windows", title_justify="left")
    for heading in ("category", "answer", "windows", "events", "purchases", "revenue", "margin"):
        table.add_column(heading, justify="left" if heading in ("category", "answer") else "right")
    for category in sorted({row.category for row in verdict.batch + verdict.streamed}):
        for name, answer in (("streamed", verdict.streamed), ("batch", verdict.batch)):
            table.add_row(category, name, *totals([row for row in answer if row.category == category]))
    console.print(table)
    for streamed, batch in verdict.differences[:5]:
        console.print(f"streamed {streamed}\nbatch    {batch}")
    if verdict.equal:
        console.print(f"EQUAL: {len(verdict.batch)} rows of gold are the same, streamed and in batch.")
    else:
        console.print(f"DIFFERENT: {len(verdict.differences)} of {len(verdict.batch)} rows of gold.")


def totals(answer: Sequence[Row]) -> list[str]:
    counts = [len(answer), sum(row.events for row in answer), sum(row.purchases for row in answer)]
    money = [sum(row.revenue or 0 for row in answer), sum(row.margin or 0 for row in answer)]
    return [f"{count:,}" for count in counts] + [f"{amount:,.2f}" for amount in money]


def run(options: argparse.Namespace, console: Console) -> Verdict:
    """Generate and stream for the asked time, then drain, stop and verify."""
    spark = SparkSession.builder.appName("shop").config("spark.sql.shuffle.partitions", 2).getOrCreate()
    queries = [start(spark, options.data) for start in (bronze, silver, gold)]
    generator = start_generator(options)
    try:
        with LiveView(queries, console).shown() as view:
            while generator.poll() is None:
                watch(spark, options.data, queries, view)
                time.sleep(REFRESH_S)
            batch_id = drain(queries)
            watch(spark, options.data, queries, view)
    finally:
        generator.terminate()
        for query in queries:
            query.stop()
    return verify(spark, options.data, batch_id)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("demo-data"), help="the shop's folder (demo-data)")
    parser.add_argument("--rate", type=int, default=1000, help="events a second (1000)")
    parser.add_argument("--seconds", type=float, default=20, help="how long to generate (20)")
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=PLAIN_WIDTH)
    try:
        verdict = run(parser.parse_args(), console)
    except KeyboardInterrupt:
        console.print("Stopped. Run it again and it goes on from here.")
        return INTERRUPTED_EXIT_CODE
    report(verdict, console)
    return 0 if verdict.equal else 1


if __name__ == "__main__":
    sys.exit(main())

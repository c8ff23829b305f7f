"""`cauce replay`: one batch of a checkpoint computed again by the script that made it, changing nothing."""

import argparse
import contextlib
import datetime
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cauce.cli.program import Program, execute, print_error

if TYPE_CHECKING:
    from cauce.cli.intercepted_starts import ReachedQuery
    from cauce.streaming.replay import ReplayedBatch

__all__ = ["main"]

ROWS_SHOWN = 100
USAGE_EXIT_CODE = 2


def main(arguments: Sequence[str]) -> int:
    """Run the script until it starts the query of the checkpoint, and replay instead."""
    options = parser().parse_args(arguments)
    if not os.path.exists(options.script):
        parser().error(f"can't open file {options.script!r}: no such file or directory")
    from cauce.cli import local

    local.start(dict(options.conf))
    from cauce.cli.intercepted_starts import InterceptedStarts, ReachedQuery

    starts = InterceptedStarts(options.checkpoint)
    try:
        with starts:
            execute(Program("script", options.script, tuple(options.arguments)))
    except ReachedQuery as reached:
        return _replay(reached, options)
    except SystemExit:
        pass
    except Exception as error:
        print_error(error)
    seen = ", ".join(starts.passed) or "none"
    print(
        f"cauce replay: {options.script} started no query with the checkpoint {options.checkpoint}; "
        f"it started queries with: {seen}",
        file=sys.stderr,
    )
    return 1


def parser() -> argparse.ArgumentParser:
    from cauce.cli.run import key_value

    replay = argparse.ArgumentParser(
        prog="cauce replay",
        usage="cauce replay [OPTIONS] CHECKPOINT BATCH SCRIPT [ARGUMENTS ...]",
        description="Computes one batch of a streaming query again, with its offsets, time, watermark and "
        "the state before it, and shows the rows it gives. The script runs up to the start of that query; "
        "its other queries do not run. Checkpoint and sink stay as they are.",
    )
    replay.add_argument("--pdb", action="store_true", help="open the debugger where a function fails")
    replay.add_argument("--out", metavar="FILE", help="write the rows to a Parquet file")
    replay.add_argument("--rows", type=int, default=ROWS_SHOWN, metavar="N", help="show so many rows (100)")
    replay.add_argument("--conf", action="append", default=[], type=key_value, metavar="KEY=VALUE")
    replay.add_argument("checkpoint", metavar="CHECKPOINT", help="the query's checkpointLocation")
    replay.add_argument("batch", type=int, metavar="BATCH", help="the id of the batch")
    replay.add_argument("script", metavar="SCRIPT", help="the PySpark program that starts the query")
    replay.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENTS")
    return replay


def _replay(reached: "ReachedQuery", options: argparse.Namespace) -> int:
    try:
        batch = _compute(reached, options)
    except Exception as error:
        print(f"cauce replay: {error}", file=sys.stderr)
        return 1
    _show(batch, options)
    if options.out:
        import pyarrow.parquet as pq

        pq.write_table(batch.rows, options.out)
        print(f"{batch.rows.num_rows} rows written to {options.out}")
    return 0


def _compute(reached: "ReachedQuery", options: argparse.Namespace) -> "ReplayedBatch":
    from cauce.checkpoint import Checkpoint
    from cauce.cli.debugged_functions import debug_functions
    from cauce.clock import SystemClock
    from cauce.connect.static_parts import prepare_static_parts
    from cauce.connect.streaming import sink_options
    from cauce.files import LocalFileSystem, ReadOnlyDisk
    from cauce.server import running_session
    from cauce.streaming.execution import sink_context
    from cauce.streaming.planner import plan_stream
    from cauce.streaming.replay import replay_batch

    session, message = running_session(reached.session_id), reached.message
    if options.pdb:
        debug_functions(message.input)
    conf, sink, clock = session.settings.snapshot(), sink_options(message), SystemClock()
    checkpoint = Checkpoint(LocalFileSystem(ReadOnlyDisk()), reached.path)
    with contextlib.ExitStack() as lease:
        prepare_static_parts(message.input, session, lease)
        plan = plan_stream(message.input, session, conf, output_mode=sink.output_mode, clock=clock)
        context = sink_context(plan, checkpoint, session=session, clock=clock, conf=conf)
        return replay_batch(
            plan, checkpoint, options.batch,
            session=session, clock=clock, conf=conf, sink=sink, context=context,
        )  # fmt: skip


def _show(batch: "ReplayedBatch", options: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from cauce.streaming.progress import format_timestamp

    console = Console(highlight=False)
    done = "committed" if batch.committed else "not committed"
    console.print(
        f"batch {options.batch} ({done}): {batch.input_rows} rows in, {batch.rows.num_rows} rows out; "
        f"timestamp {format_timestamp(batch.timestamp_ms)}, watermark {format_timestamp(batch.watermark_ms)}",
        soft_wrap=True,
    )
    if not batch.rows.num_rows:
        return
    shown = Table(*map(escape, batch.rows.column_names))
    for row in batch.rows.slice(0, options.rows).to_pylist():
        shown.add_row(*(escape(_text(value)) for value in row.values()))
    console.print(shown)
    if batch.rows.num_rows > options.rows:
        console.print(f"the first {options.rows} of {batch.rows.num_rows} rows (--rows N shows more)")


def _text(value: Any) -> str:
    """As `DataFrame.show` writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, dict):
        return "{" + ", ".join(map(_text, value.values())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, tuple):  # an entry of a map
        return " -> ".join(map(_text, value))
    return str(value.replace(tzinfo=None)) if isinstance(value, datetime.datetime) else str(value)

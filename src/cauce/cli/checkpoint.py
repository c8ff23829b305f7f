"""`cauce checkpoint`: look at a query's checkpoint, ask whether a program can continue it, go back, copy."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cauce.checkpoint import Checkpoint, owned, rewind
from cauce.cli.tables import bytes_text, print_table, time_text
from cauce.errors import ConcurrentModificationException, SparkError
from cauce.files import open_file_system
from cauce.streaming.stored_state import (
    BatchSummary,
    batches,
    copy_checkpoint,
    last_batch,
    require_checkpoint,
    sizes,
    state_files,
    store_version,
    stores_of,
)

__all__ = ["main", "parser"]

STOP_FIRST = "Stop the query first: this command changes what it works on."
SINK_HINT = (
    "The sink still has what the removed batches wrote. Files and tables skip a batch number that they have "
    "seen: give the query a new output, or remove those batches there too."
)
EPILOG = """\
examples:
  cauce checkpoint show /data/checkpoint
  cauce checkpoint check job.py /data/checkpoint
  cauce checkpoint rewind /data/checkpoint 41
  cauce checkpoint copy /data/checkpoint /backup/checkpoint
"""


def main(arguments: Sequence[str]) -> int:
    """Exit code 0; 1 with the reason on standard error, or when `check` says no."""
    options = parser().parse_args(arguments)
    try:
        return options.action(options)
    except SparkError as error:
        hint = f"\n{STOP_FIRST}" if isinstance(error, ConcurrentModificationException) else ""
        print(f"cauce checkpoint {options.command}: {error}{hint}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="cauce checkpoint",
        description="Shows, checks, rewinds and copies the checkpoint of a streaming query.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    show = _command(commands, "show", "batches, offsets, watermarks, state and sizes", _show)
    _checkpoint_argument(show)
    show.add_argument("--limit", type=int, default=10, help="batches (10), the newest")
    check = _command(commands, "check", "can this program continue from the checkpoint?", _check)
    check.add_argument(
        "script", metavar="SCRIPT", help="the PySpark program; it runs up to its start(), no batch runs"
    )
    _checkpoint_argument(check)
    check.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="what the program is called with")
    back = _command(
        commands, "rewind", "make an earlier batch the last one, in a stopped query's checkpoint", _rewind
    )
    _checkpoint_argument(back)
    back.add_argument("batch", type=int, help="the batch to go back to; the next one runs again")
    copy = _command(commands, "copy", "a consistent copy, of a running query too", _copy)
    _checkpoint_argument(copy)
    copy.add_argument("target", metavar="TARGET", help="a folder that does not exist yet")
    copy.add_argument(
        "--new-id", action="store_true", help="make the copy another query, with an id of its own"
    )
    return root


def _command(
    commands: Any, name: str, summary: str, action: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
    command.set_defaults(action=action)
    return command


def _checkpoint_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("checkpoint", metavar="CHECKPOINT", help="the query's checkpointLocation")


def _open(path: str) -> Checkpoint:
    checkpoint = Checkpoint(*open_file_system(path))
    require_checkpoint(checkpoint)
    return checkpoint


def _show(options: argparse.Namespace) -> int:
    checkpoint = _open(options.checkpoint)
    found = list(batches(checkpoint))
    shown = found[-options.limit :] if options.limit > 0 else []
    columns = ("batch", "time (UTC)", "watermark (UTC)", "offsets", "state rows", "committed")
    title = f"Query {checkpoint.metadata.read()}, {len(shown)} of {len(found)} retained batches"
    print_table(title, columns, [_batch_row(batch) for batch in shown])
    _show_state(checkpoint)
    taken = sizes(checkpoint)
    rows = [(name, bytes_text(size)) for name, size in sorted(taken.items())]
    print_table(f"On disk, {bytes_text(sum(taken.values()))}", ("", "size"), rows)
    return 0


def _batch_row(batch: BatchSummary) -> tuple[str, ...]:
    committed = "yes" if batch.next_watermark_ms is not None else "no: it will run again"
    offsets = "\n".join(offset or "-" for offset in batch.offsets)
    watermark = time_text(batch.watermark_ms) if batch.watermark_ms else "-"
    rows = str(batch.state_rows) if batch.next_watermark_ms is not None else ""
    return str(batch.batch_id), time_text(batch.timestamp_ms), watermark, offsets, rows, committed


def _show_state(checkpoint: Checkpoint) -> None:
    stores = list(stores_of(checkpoint))
    if not stores or checkpoint.commits.latest_id() is None:
        return
    batch_id = last_batch(checkpoint)
    own = {store.path: store for store in stores}
    rows = [
        (
            str(store.operator.operator_id),
            store.operator.operator_name,
            store.own_name,
            str(store_version(checkpoint, store, batch_id).log.num_live),
        )
        for store in own.values()
    ]
    print_table(f"State after batch {batch_id}", ("operator", "name", "store", "rows"), rows)


def _check(options: argparse.Namespace) -> int:
    from cauce.cli.checkpoint_check import check

    return check(options.script, options.checkpoint, options.arguments)


def _rewind(options: argparse.Namespace) -> int:
    checkpoint = _open(options.checkpoint)
    with owned(checkpoint):
        later = [i for i in checkpoint.commits.folder.batch_ids() if i > options.batch]
        commits = (checkpoint.commits.get(i) for i in later)
        names = {name for c in commits if c for name in state_files(checkpoint, c.state or {})}
        backup = rewind(checkpoint, options.batch, sorted(names))
    print(f"Batch {options.batch} is the last one; {len(later)} later ones are kept in {backup}.")
    print(SINK_HINT)
    return 0


def _copy(options: argparse.Namespace) -> int:
    source, target = _open(options.checkpoint), Checkpoint(*open_file_system(options.target))
    batch_id = copy_checkpoint(source, target, new_id=options.new_id)
    print(f"{target.path} continues after batch {batch_id}.")
    return 0

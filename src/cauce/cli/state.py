"""`cauce state`: see and change what the streaming query of a checkpoint remembers."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cauce.checkpoint import Checkpoint, owned
from cauce.cli.tables import print_rows, print_table, value_text
from cauce.errors import ConcurrentModificationException, IllegalArgumentException, SparkError
from cauce.files import open_file_system
from cauce.streaming.stored_state import (
    StoredStore,
    delete_row,
    differences,
    last_batch,
    require_checkpoint,
    set_row,
    state_rows,
    store_version,
    stores_of,
    take_back,
)

__all__ = ["main", "parser"]

STOP_FIRST = "Stop the query first: its state changes only while it does not run."
UNDO_HINT = "`cauce state undo` takes it back until the query runs on."
EPILOG = """\
examples:
  cauce state show /data/checkpoint --where "value.count > 100"
  cauce state sql /data/checkpoint "SELECT key.user, value.count FROM state ORDER BY 2 DESC"
  cauce state diff /data/checkpoint 41 42
  cauce state set /data/checkpoint --key '{"user":"ana"}' --value '{"count":7}'
"""


def main(arguments: Sequence[str]) -> int:
    """Exit code 0, or 1 with the reason on standard error."""
    options = parser().parse_args(arguments)
    try:
        checkpoint = Checkpoint(*open_file_system(options.checkpoint))
        require_checkpoint(checkpoint)
        options.action(checkpoint, options)
    except SparkError as error:
        hint = f"\n{STOP_FIRST}" if isinstance(error, ConcurrentModificationException) else ""
        print(f"cauce state {options.command}: {error}{hint}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    state = argparse.ArgumentParser(
        prog="cauce state",
        description="Shows and changes the state of the streaming query whose checkpoint this is.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = state.add_subparsers(dest="command", required=True, metavar="COMMAND")
    show = _command(commands, "show", "stores and their rows, of a running query too", _show)
    _store_options(show)
    show.add_argument("--batch", type=int, help="the state after this batch (the last one)")
    show.add_argument("--where", metavar="SQL", help='only rows for which this holds, such as "key.user = 1"')
    show.add_argument("--limit", type=int, default=20, help="rows of each store (20)")
    sql = _command(commands, "sql", "any SQL over the stores as tables", _sql)
    sql.add_argument("query", help="tables: state, or operator0_default and so on; `show` lists them")
    sql.add_argument("--batch", type=int, help="the state after this batch (the last one)")
    diff = _command(commands, "diff", "what changed between two batches", _diff)
    _store_options(diff)
    diff.add_argument("first", type=int, help="the earlier batch")
    diff.add_argument("last", type=int, help="the later batch")
    change = _command(commands, "set", "give a key a value, in a stopped query's state", _set)
    _row_options(change)
    change.add_argument("--value", type=_json, required=True, help="JSON; fields left out stay as they are")
    _row_options(_command(commands, "delete", "forget a key, in a stopped query's state", _delete))
    _command(commands, "undo", "take the last change by hand back", _undo)
    _command(commands, "log", "the changes made by hand", _log)
    return state


def _command(
    commands: Any, name: str, summary: str, action: Callable[[Checkpoint, argparse.Namespace], None]
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
    command.add_argument("checkpoint", metavar="CHECKPOINT", help="the query's checkpointLocation")
    command.set_defaults(action=action)
    return command


def _store_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--operator", type=int, metavar="N", help="the stateful operator's number")
    command.add_argument("--store", metavar="NAME", help="the store's name")


def _row_options(command: argparse.ArgumentParser) -> None:
    _store_options(command)
    command.add_argument("--key", type=_json, required=True, help='JSON, such as {"user":"ana"}')


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON ({error}): {text}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'a JSON object is needed, such as {{"user":"ana"}}: {text}')
    return value


def _show(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    batch_id = last_batch(checkpoint) if options.batch is None else options.batch
    for store in _chosen(checkpoint, options):
        rows = state_rows(checkpoint, store, batch_id)
        title = f"{table_name(store)}: {store.operator.operator_name}, after batch {batch_id}"
        if options.where is not None:
            from cauce.cli.state_sql import where

            rows = where(rows, options.where)
        print_rows(title, rows.select(["key", "value"]), limit=options.limit)


def _sql(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    from cauce.cli.state_sql import query

    batch_id = last_batch(checkpoint) if options.batch is None else options.batch
    tables = {table_name(s): state_rows(checkpoint, s, batch_id) for s in _all(checkpoint)}
    first = next(iter(tables), None)
    views = {**tables, "state": tables[first]} if first is not None else {}
    print_rows(f"after batch {batch_id}", query(options.query, views), limit=None)


def _diff(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    for store in _chosen(checkpoint, options):
        old, new = (store_version(checkpoint, store, batch) for batch in (options.first, options.last))
        rows = [
            (d.kind, value_text(d.key), value_text(d.old), value_text(d.new)) for d in differences(old, new)
        ]
        title = f"{table_name(store)}: batch {options.first} to {options.last}, {len(rows)} keys differ"
        print_table(title, ("", "key", "before", "after"), rows)


def _set(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    with owned(checkpoint):
        change = set_row(checkpoint, _one(checkpoint, options), options.key, options.value)
    print(f"Batch {change.batch_id}: {value_text(change.old)} -> {value_text(change.new)}. {UNDO_HINT}")


def _delete(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    with owned(checkpoint):
        change = delete_row(checkpoint, _one(checkpoint, options), options.key)
    print(f"Batch {change.batch_id}: {value_text(change.old)} is deleted. {UNDO_HINT}")


def _undo(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    with owned(checkpoint):
        entry = take_back(checkpoint)
    for row in entry.rows:
        print(f"{value_text(row['key'])}: {value_text(row['old'])} -> {value_text(row['new'])}")


def _log(checkpoint: Checkpoint, options: argparse.Namespace) -> None:
    columns = ("when", "who", "what", "batch", "store", "key", "before", "after")
    rows = [
        (e.when, e.who, e.command, str(e.batch_id), f"operator{e.operator_id}_{e.store}",
         *(value_text(row[part]) for part in ("key", "old", "new")))
        for e in checkpoint.audit.all()
        for row in e.rows
    ]  # fmt: skip
    print_table("Changes by hand", columns, rows)


def table_name(store: StoredStore) -> str:
    """What SQL calls a store."""
    return f"operator{store.operator.operator_id}_{store.name}"


def _all(checkpoint: Checkpoint) -> Iterator[StoredStore]:
    """Every store as cauce keeps it: the two sides of a join instead of Spark's four stores."""
    seen: set[str] = set()
    for store in stores_of(checkpoint):
        if store.path not in seen:
            seen.add(store.path)
            yield store if store.view == "rows" else store.side()


def _chosen(checkpoint: Checkpoint, options: argparse.Namespace) -> list[StoredStore]:
    stores = list(_all(checkpoint))
    if not stores:
        raise IllegalArgumentException(None, f"The query of {checkpoint.path} keeps no state.")
    chosen = [
        store
        for store in stores
        if options.operator in (None, store.operator.operator_id) and options.store in (None, store.name)
    ]
    if not chosen:
        known = ", ".join(f"--operator {s.operator.operator_id} --store {s.name}" for s in stores)
        raise IllegalArgumentException(None, f"There is no such store. There are: {known}")
    return chosen


def _one(checkpoint: Checkpoint, options: argparse.Namespace) -> StoredStore:
    chosen = _chosen(checkpoint, options)
    if len(chosen) > 1:
        known = ", ".join(f"--operator {s.operator.operator_id} --store {s.name}" for s in chosen)
        raise IllegalArgumentException(None, f"Which store? There are: {known}")
    return chosen[0]

"""Tables on the terminal: whole values in a pipe, fitted to the window on a screen."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from cauce.streaming.stored_state.json_values import to_json

__all__ = ["bytes_text", "print_rows", "print_table", "time_text", "value_text"]

PIPE_WIDTH = 10_000
"""Columns of a table that no window limits."""


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A title, a header, and rows of text."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    console.print(title, markup=False)
    table = Table()
    for column in columns:
        table.add_column(escape(column), overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def print_rows(title: str, rows: pa.Table, *, limit: int | None) -> None:
    """Rows of Arrow; how many there are beyond the limit is said."""
    shown = rows if limit is None else rows.slice(0, limit)
    text = [[value_text(value) for value in row.values()] for row in shown.to_pylist()]
    count = (
        _counted(rows.num_rows) if len(text) == rows.num_rows else f"{len(text)} of {_counted(rows.num_rows)}"
    )
    print_table(f"{title}, {count}", rows.column_names, text)


def _counted(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def value_text(value: Any) -> str:
    """A value as JSON, which `set` reads; a bare text as it is."""
    plain = to_json(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def time_text(milliseconds: int) -> str:
    """`2026-01-31 12:00:00.000` in UTC."""
    return str(pa.scalar(milliseconds, pa.timestamp("ms")).as_py().isoformat(" ", "milliseconds"))


def bytes_text(count: int) -> str:
    """`12.3 MB`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"

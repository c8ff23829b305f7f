"""A line on the terminal while a large state is read back, so that a restart does not look like a hang."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["ROWS_SHOWN_MIN", "restoring"]

ROWS_SHOWN_MIN = 1_000_000
"""A smaller state is there before anyone wonders."""


@contextmanager
def restoring(path: str, rows: int) -> Iterator[Callable[[int], object]]:
    """What to call with the number of rows read; it shows nothing where nobody looks."""
    if rows < ROWS_SHOWN_MIN or not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("Restoring {task.total:,} rows of {task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(path, total=rows)
        yield lambda count: progress.advance(task, count)

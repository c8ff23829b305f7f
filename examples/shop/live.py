"""A live view of streaming queries and of a small table, for a terminal; plain lines anywhere else.

It asks only what PySpark answers on any engine: `query.lastProgress` and the rows it is given.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pyspark.sql import Row
from pyspark.sql.streaming import StreamingQuery
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

NEWEST_ROWS = 12
PLAIN_INTERVAL_S = 2.0


class LiveView:
    """`update()` shows where the queries are; with a terminal it redraws, else it prints now and then."""

    def __init__(self, queries: Sequence[StreamingQuery], console: Console) -> None:
        self._queries = queries
        self._console = console
        self._live: Live | None = None
        self._started_s = time.monotonic()
        self._printed_s = 0.0

    @contextmanager
    def shown(self) -> "Iterator[LiveView]":
        """Keep the view on screen for the duration of the block."""
        if not self._console.is_terminal:
            yield self
            return
        with Live(console=self._console, auto_refresh=False) as live:
            self._live = live
            yield self

    def update(self, read_rows: Callable[[], list[Row]]) -> None:
        progress = [(query.name or query.id, query.lastProgress) for query in self._queries]
        if self._live is not None:
            self._live.update(Group(rates_table(progress), gold_table(read_rows())), refresh=True)
        elif time.monotonic() - self._printed_s >= PLAIN_INTERVAL_S:
            self._printed_s = time.monotonic()
            elapsed = f"{self._printed_s - self._started_s:5.1f} s"
            self._console.print(
                f"{elapsed}  " + "   ".join(plain_rate(*one) for one in progress), highlight=False
            )


def plain_rate(name: str, progress: Any) -> str:
    if progress is None:
        return f"{name}: waiting"
    return f"{name}: batch {progress['batchId']}, {progress['numInputRows']} rows in {batch_ms(progress)} ms"


def batch_ms(progress: Any) -> int:
    return progress["durationMs"].get("triggerExecution", 0)


def rates_table(progress: Sequence[tuple[str, Any]]) -> Table:
    """One line per query, from its last progress."""
    table = Table(title="Queries", title_justify="left", expand=False)
    for heading in (
        "query",
        "batch",
        "rows",
        "rows in/s",
        "rows done/s",
        "batch ms",
        "state rows",
        "watermark",
    ):
        table.add_column(heading, justify="left" if heading in ("query", "watermark") else "right")
    for name, last in progress:
        table.add_row(name, *(rate_cells(last) if last is not None else ["waiting"]))
    return table


def rate_cells(progress: Any) -> list[str]:
    state_rows = sum(operator["numRowsTotal"] for operator in progress["stateOperators"])
    return [
        str(progress["batchId"]),
        f"{progress['numInputRows']:,}",
        f"{progress.get('inputRowsPerSecond') or 0:,.0f}",
        f"{progress.get('processedRowsPerSecond') or 0:,.0f}",
        str(batch_ms(progress)),
        f"{state_rows:,}" if progress["stateOperators"] else "",
        (progress.get("eventTime") or {}).get("watermark", ""),
    ]


def gold_table(rows: Sequence[Row]) -> Table | Text:
    """The newest windows, newest first."""
    if not rows:
        return Text("gold: no window yet")
    table = Table(title=f"Gold: {len(rows)} rows, the newest {NEWEST_ROWS}", title_justify="left")
    for heading in ("window", "category", "events", "views", "purchases", "conversion", "revenue", "margin"):
        table.add_column(heading, justify="left" if heading in ("window", "category") else "right")
    for row in sorted(rows, key=lambda row: (row.window_start, row.category), reverse=True)[:NEWEST_ROWS]:
        table.add_row(
            f"{row.window_start:%m-%d %H:%M} - {row.window_end:%H:%M}",
            row.category,
            f"{row.events:,}",
            f"{row.views:,}",
            f"{row.purchases:,}",
            f"{row.purchases / row.views:.1%}" if row.views else "",
            f"{row.revenue or 0:,.2f}",
            f"{row.margin or 0:,.2f}",
        )
    return table

"""A live view of streaming queries and of a small table, for a terminal; plain lines anywhere else.

It asks only what PySpark answers on any engine: `query.recentProgress` and the rows it is given.
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


class Rates:
    """What a query has done since it was first looked at: most batches are over before the next look."""

    def __init__(self, query: StreamingQuery) -> None:
        self.name = query.name or str(query.id)
        self.last: Any = None
        self._query = query
        self._rows: dict[int, int] = {}
        self._busy_ms: dict[int, int] = {}
        self._started_s = time.monotonic()

    def look(self) -> None:
        for progress in self._query.recentProgress:
            self.last = progress
            self._rows[progress["batchId"]] = progress["numInputRows"]
            self._busy_ms[progress["batchId"]] = progress["durationMs"].get("triggerExecution", 0)

    @property
    def rows(self) -> int:
        return sum(self._rows.values())

    @property
    def rows_per_second(self) -> float:
        return self.rows / (time.monotonic() - self._started_s)

    @property
    def rows_per_busy_second(self) -> float:
        return 1000 * self.rows / max(1, sum(self._busy_ms.values()))

    @property
    def batch_ms(self) -> float:
        """The mean over the batches that had rows."""
        times = [self._busy_ms[batch_id] for batch_id, rows in self._rows.items() if rows]
        return sum(times) / max(1, len(times))


class LiveView:
    """`update()` shows where the queries are; with a terminal it redraws, else it prints now and then."""

    def __init__(self, queries: Sequence[StreamingQuery], console: Console) -> None:
        self._rates = [Rates(query) for query in queries]
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
        for rates in self._rates:
            rates.look()
        if self._live is not None:
            self._live.update(Group(rates_table(self._rates), gold_table(read_rows())), refresh=True)
        elif time.monotonic() - self._printed_s >= PLAIN_INTERVAL_S:
            self._printed_s = time.monotonic()
            elapsed = f"{self._printed_s - self._started_s:5.1f} s"
            self._console.print(f"{elapsed}  " + "   ".join(map(plain_rates, self._rates)), highlight=False)


def plain_rates(rates: Rates) -> str:
    if rates.last is None:
        return f"{rates.name}: waiting"
    return f"{rates.name}: {rates.rows:,} rows, {rates.batch_ms:.0f} ms a batch"


def rates_table(queries: Sequence[Rates]) -> Table:
    """One line per query: totals since the view began, and where it is now."""
    table = Table(title="Queries", title_justify="left", expand=False)
    for heading in ("query", "batch", "rows", "rows/s", "rows/s busy", "batch ms", "state rows", "watermark"):
        table.add_column(heading, justify="left" if heading in ("query", "watermark") else "right")
    for rates in queries:
        table.add_row(rates.name, *(rate_cells(rates) if rates.last is not None else ["waiting"]))
    return table


def rate_cells(rates: Rates) -> list[str]:
    operators = rates.last["stateOperators"]
    return [
        str(rates.last["batchId"]),
        f"{rates.rows:,}",
        f"{rates.rows_per_second:,.0f}",
        f"{rates.rows_per_busy_second:,.0f}",
        f"{rates.batch_ms:.0f}",
        f"{sum(operator['numRowsTotal'] for operator in operators):,}" if operators else "",
        (rates.last.get("eventTime") or {}).get("watermark", ""),
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

"""The noop sink: counts rows and drops them, for benchmarks."""

import pyarrow as pa

from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["NoopSink"]


class NoopSink:
    """Accepts everything and keeps nothing."""

    output_modes: tuple[str, ...] = ("append", "update", "complete")

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        """There is nothing to set up."""

    def description(self) -> str:
        return "NoopTable"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        return table.num_rows

    def stop(self) -> None:
        """Nothing is held."""

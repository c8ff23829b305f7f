"""What a query under test has given its sink, batch by batch, remembered across restarts."""

from typing import Any

import pyarrow as pa

from cauce.streaming.sinks import Sink, SinkContext, SinkOptions
from cauce.testing.faulty_disk import SimulatedCrash

__all__ = ["Answer", "AnswerSink", "KillableSink"]


class Answer:
    """The rows of every batch under its id; repeating a batch replaces its rows, as in an idempotent sink."""

    def __init__(self) -> None:
        self._batches: dict[int, pa.Table] = {}

    def put(self, batch_id: int, table: pa.Table) -> None:
        self._batches[batch_id] = table

    def last_batch_id(self) -> int:
        return max(self._batches, default=-1)

    def rows(self, schema: pa.Schema, *, after: int = -1, complete: bool = False) -> pa.Table:
        """All rows of the batches after one, or those of the last batch in complete mode."""
        chosen = sorted(batch_id for batch_id in self._batches if batch_id > after)
        tables = [self._batches[batch_id].cast(schema) for batch_id in (chosen[-1:] if complete else chosen)]
        return pa.concat_tables(tables) if tables else schema.empty_table()


class AnswerSink:
    """The sink of a query under test that names none; its rows are in an `Answer`."""

    output_modes: tuple[str, ...] = ("append", "update", "complete")

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        """As every sink; nothing of it is needed."""

    def description(self) -> str:
        return "MemorySink"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        return table.num_rows

    def stop(self) -> None:
        """Nothing is held."""


class KillableSink:
    """Any sink; notes what it is given, and can let the process die before or after it has taken a batch."""

    def __init__(self, sink: Sink, answer: Answer) -> None:
        self._sink, self._answer = sink, answer
        self.output_modes = sink.output_modes
        self.dies: str | None = None
        """When the process dies: "before" or "after" the sink has the next batch."""

    def description(self) -> str:
        return self._sink.description()

    def add_batch(self, batch_id: int, table: pa.Table) -> int | None:
        if self.dies == "before":
            raise SimulatedCrash
        written = self._sink.add_batch(batch_id, table)
        self._answer.put(batch_id, table)
        if self.dies == "after":
            raise SimulatedCrash
        return written

    def stop(self) -> None:
        self._sink.stop()

    def __getattr__(self, name: str) -> Any:
        """What only some sinks tell: metrics, the last batch they have."""
        return getattr(self._sink, name)

"""Drives operators batch by batch, as the micro-batch does, with event times in whole seconds."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pytest

from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators import AggregateCall, OperatorMetrics, StatefulOperator, StreamingAggregate
from cauce.streaming.watermark import WatermarkTracker

TIMESTAMP = pa.timestamp("us", "UTC")
WINDOW = pa.struct([("start", TIMESTAMP), ("end", TIMESTAMP)])
SECOND_US = 1_000_000


def windows(seconds: Iterable[int], size: int = 5) -> pa.StructArray:
    """Tumbling windows of `size` seconds."""
    starts = [second // size * size for second in seconds]
    ends = [start + size for start in starts]
    return pa.StructArray.from_arrays([timestamps(starts), timestamps(ends)], fields=list(WINDOW))


def timestamps(seconds: Iterable[int | None]) -> pa.Array:
    return pa.array([None if s is None else s * SECOND_US for s in seconds], TIMESTAMP)


@dataclasses.dataclass
class Stream:
    """One operator over one watermark node, run in Spark's order of events."""

    operator: StatefulOperator
    store: StateStore
    output_mode: str
    tracker: WatermarkTracker
    no_data_batches: bool = True
    late_ms: int = 0
    metrics: OperatorMetrics = dataclasses.field(default_factory=lambda: OperatorMetrics(""))

    def add_data(self, batch: pa.Table, seconds: list[int]) -> list[dict[str, Any]]:
        """Rows given by the batch of this data, and by the batches without data that follow it."""
        self.tracker.begin_batch()
        self.tracker.observe(0, timestamps(seconds))
        rows = self._run(batch)
        while self.no_data_batches and self._wants_another_batch():
            self.tracker.begin_batch()
            rows += self._run(batch.slice(0, 0), keep_dropped=True)
        return rows

    def restart(self, **changes: Any) -> "Stream":
        """A new run of the query: only the global watermark and the store survive."""
        tracker = WatermarkTracker(self.tracker._delays_ms)
        tracker.restore(self.tracker.watermark_ms)
        return dataclasses.replace(self, tracker=tracker, **changes)

    @property
    def state_rows(self) -> int:
        return self.store.num_rows

    def _wants_another_batch(self) -> bool:
        new_us, last_us = self.tracker.watermark_ms * 1000, self.late_ms * 1000
        return self.operator.should_run_another_batch(new_us, last_us, self.output_mode)

    def _run(self, batch: pa.Table, keep_dropped: bool = False) -> list[dict[str, Any]]:
        watermark_ms = self.tracker.watermark_ms
        dropped = self.metrics.rows_dropped_by_watermark if keep_dropped else 0
        output, self.metrics = self.operator.process(
            batch,
            self.store,
            late_watermark_us=self.late_ms * 1000,
            eviction_watermark_us=watermark_ms * 1000,
            output_mode=self.output_mode,
        )
        assert output.schema.equals(self.operator.output_schema)
        self.metrics.rows_dropped_by_watermark += dropped
        self.store.commit()
        self.late_ms = watermark_ms
        self.tracker.advance()
        return output.to_pylist()


@pytest.fixture
def open_store(tmp_path):
    """The store of an operator, on disk."""
    opened: list[StateStore] = []

    def open_one(operator: StatefulOperator) -> StateStore:
        opened.append(
            StateStore.open(
                LocalFileSystem(),
                str(tmp_path / str(len(opened))),
                key_schema=operator.key_schema,
                value_schema=operator.value_schema,
                reference=None,
                event_time=operator.event_time,
            )
        )
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@dataclasses.dataclass
class CountStream:
    """A count per key, where the key is a 5 s window or the raw time; answers are {start second: count}."""

    stream: Stream
    window: bool

    def add_data(self, *seconds: int) -> dict[int, int]:
        keys = windows(seconds) if self.window else timestamps(seconds)
        rows = self.stream.add_data(pa.table({"k0": keys}), list(seconds))
        answer = {self._start(row["k0"]): row["c0"] for row in rows}
        assert len(answer) == len(rows)
        return answer

    def restart(self, **changes: Any) -> "CountStream":
        return CountStream(self.stream.restart(**changes), self.window)

    def _start(self, key: Any) -> int:
        return int((key["start"] if self.window else key).timestamp())

    @property
    def state_rows(self) -> int:
        return self.stream.state_rows

    @property
    def rows_dropped(self) -> int:
        return self.stream.metrics.rows_dropped_by_watermark


@pytest.fixture
def counts(open_store):
    """`counts("append")`: W10/5 of the streaming guide: delay 10 s, count per 5 s window."""

    def build(output_mode: str, *, delay_s: int = 10, window: bool = True, **options: Any) -> CountStream:
        schema = pa.schema([("k0", WINDOW if window else TIMESTAMP)])
        calls = [AggregateCall("count", "c0", pa.int64())]
        operator = StreamingAggregate(schema, ["k0"], calls, "k0", None)
        tracker = WatermarkTracker([delay_s * 1000])
        return CountStream(Stream(operator, open_store(operator), output_mode, tracker, **options), window)

    return build

"""What a query tells about its batches: Spark's progress JSON, field by field.

Source of the field names and rules: ProgressReporter.scala and progress.scala of Apache Spark 4.2.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["BatchProgress", "SinkProgress", "SourceProgress", "format_timestamp"]


def format_timestamp(time_ms: int) -> str:
    """ISO 8601 with milliseconds, UTC, as in every event of Spark's streaming API."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


@dataclass
class SourceProgress:
    """One source in one batch; offsets are the source's own JSON text or None."""

    description: str
    start_offset: str | None
    end_offset: str | None
    latest_offset: str | None
    num_input_rows: int = 0
    metrics: Mapping[str, str] = field(default_factory=dict)

    def json_value(self, rates: "Rates") -> dict[str, Any]:
        return {
            "description": self.description,
            # Over Connect, Spark 4.2 sends offsets as text.
            "startOffset": _compact(self.start_offset),
            "endOffset": _compact(self.end_offset),
            "latestOffset": _compact(self.latest_offset),
            "numInputRows": self.num_input_rows,
            **rates.of(self.num_input_rows),
            "metrics": dict(self.metrics),
        }


@dataclass
class SinkProgress:
    """The sink in one batch; `num_output_rows` -1 when it does not count."""

    description: str
    num_output_rows: int = -1
    metrics: Mapping[str, str] = field(default_factory=dict)

    def json_value(self) -> dict[str, Any]:
        metrics = dict(self.metrics)
        return {"description": self.description, "numOutputRows": self.num_output_rows, "metrics": metrics}


@dataclass(frozen=True)
class Rates:
    """Rows per second since the last trigger and during this one; unknown ones are left out."""

    input_s: float
    processing_s: float

    def of(self, rows: int) -> dict[str, float]:
        rates = {
            "inputRowsPerSecond": rows / self.input_s if self.input_s else math.nan,
            "processedRowsPerSecond": rows / self.processing_s if self.processing_s else math.nan,
        }
        return {name: rate for name, rate in rates.items() if math.isfinite(rate)}


@dataclass
class BatchProgress:
    """Everything measured while one trigger runs; `json_text` is what users see."""

    query_id: str
    run_id: str
    name: str | None
    batch_id: int
    started_ms: int
    previous_started_ms: int | None
    finished_ms: int = 0
    durations_ms: dict[str, int] = field(default_factory=dict)
    event_time: dict[str, str] = field(default_factory=dict)
    state_operators: list[dict[str, Any]] = field(default_factory=list)
    sources: list[SourceProgress] = field(default_factory=list)
    sink: SinkProgress | None = None
    observed_metrics: dict[str, dict[str, Any]] = field(default_factory=dict)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Adds the time spent inside to `durationMs.<phase>`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent_ms = (time.perf_counter() - began) * 1000
            self.durations_ms[phase] = self.durations_ms.get(phase, 0) + int(spent_ms)

    @property
    def num_input_rows(self) -> int:
        return sum(source.num_input_rows for source in self.sources)

    def json_value(self) -> dict[str, Any]:
        rates = self._rates()
        value = {
            "id": self.query_id,
            "runId": self.run_id,
            "name": self.name,
            "timestamp": format_timestamp(self.started_ms),
            "batchId": self.batch_id,
            "batchDuration": self.finished_ms - self.started_ms,
            "numInputRows": self.num_input_rows,
            **rates.of(self.num_input_rows),
            "durationMs": dict(sorted(self._durations().items())),
            "eventTime": dict(sorted(self.event_time.items())),
            "stateOperators": self.state_operators,
            "sources": [source.json_value(rates) for source in self.sources],
            "sink": self.sink.json_value() if self.sink else None,
            "observedMetrics": self.observed_metrics,
        }
        # Spark leaves empty maps out of the JSON.
        for optional in ("durationMs", "eventTime", "observedMetrics"):
            if not value[optional]:
                del value[optional]
        return value

    def json_text(self) -> str:
        return json.dumps(self.json_value(), separators=(",", ":"), ensure_ascii=False)

    def _durations(self) -> dict[str, int]:
        # A query is planned once, at start(): no batch spends time on it.
        planning = {"queryPlanning": 0} if "addBatch" in self.durations_ms else {}
        return planning | self.durations_ms

    def _rates(self) -> Rates:
        previous_ms = self.previous_started_ms
        since_ms = math.inf if previous_ms is None else self.started_ms - previous_ms
        took_ms = max(self.finished_ms - self.started_ms, 1)
        return Rates(input_s=since_ms / 1000, processing_s=took_ms / 1000)


def _compact(text: str | None) -> str | None:
    """An offset's JSON without spaces, as Spark writes it."""
    if text is None:
        return None
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)

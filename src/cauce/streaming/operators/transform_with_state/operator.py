"""transformWithState: a user's processor, called with each key's rows and timers and its own state.

Follows TransformWithStateInPySparkExec (of Apache Spark 4.2): initial state, then rows, then timers from
the earliest on, then state whose time to live is over. The processor runs in this process, and state
moves in one piece per batch: what the batch's keys have is read at once and written back at once.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pyarrow as pa
from pyspark.sql.streaming.stateful_processor import ExpiredTimerInfo, StatefulProcessor, TimerValues
from pyspark.sql.types import StructType

from cauce.errors import PythonException, SparkError
from cauce.state import StateStore
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.physical import physical
from cauce.streaming.operators.store_schema import StoreSchema
from cauce.streaming.operators.transform_with_state.declarations import Declarations, ParseSchema, declare
from cauce.streaming.operators.transform_with_state.handle import BatchHandle
from cauce.streaming.operators.transform_with_state.keyed_rows import Input, KeyedRows, distinct_keys
from cauce.streaming.operators.transform_with_state.scope import Scope
from cauce.streaming.operators.transform_with_state.timers import (
    EXPIRY,
    TIMER_SCHEMA,
    TIMER_STORES,
    timer_keys,
    timer_layout,
)
from cauce.streaming.operators.transform_with_state.user_rows import UserRows

__all__ = ["BatchTimes", "TransformWithState"]


@dataclass(frozen=True)
class BatchTimes:
    """The batch's timestamp and watermarks in milliseconds; None where the query has none."""

    timestamp_ms: int
    late_watermark_ms: int | None
    watermark_ms: int | None


class TransformWithState:
    """One operator of one query. `load` gives a fresh processor: as in Spark, none outlives its batch."""

    def __init__(
        self,
        load: Callable[[], StatefulProcessor],
        rows: Input,
        initial: Input | None,
        *,
        face: UserRows,
        schema: StructType,
        time_mode: str,
        parse_schema: ParseSchema,
    ) -> None:
        self._load, self._input, self._initial, self._face = load, rows, initial, face
        self.schema, self.time_mode = schema, time_mode
        self._parse_schema = parse_schema
        self._declarations: Declarations | None = None

    @property
    def operator_name(self) -> str:
        return self._face.operator_name

    @property
    def declarations(self) -> Declarations:
        """What the processor's init() asks for; run once per run of the query."""
        if self._declarations is None:
            processor = self._load()
            with _user_errors():
                self._declarations = declare(processor, self.time_mode, self._parse_schema)
        return self._declarations

    @property
    def store_schemas(self) -> dict[str, StoreSchema]:
        """The stores by name: one per state variable, called like it, and one for timers."""
        group = self._input.keys.schema
        schemas = {
            name: StoreSchema(
                variable.key_schema(group),
                variable.value_schema,
                variable.event_time,
                multi_row=variable.kind == "ListState",
                prefix_columns=len(group) if variable.kind == "MapState" else 0,
            )
            for name, variable in self.declarations.variables.items()
        }
        timers = TIMER_STORES.get(self.time_mode)
        if timers is not None:
            schemas[timers] = StoreSchema(timer_keys(group), TIMER_SCHEMA, EXPIRY, prefix_columns=len(group))
        return schemas

    @property
    def layouts(self) -> dict[str, StoreLayout]:
        """How the stores read, by name."""
        keys = self._input.keys
        layouts = {name: variable.layout(keys) for name, variable in self.declarations.variables.items()}
        timers = TIMER_STORES.get(self.time_mode)
        return layouts if timers is None else layouts | {timers: timer_layout(keys)}

    def process(
        self,
        batch: pa.Table,
        initial: pa.Table | None,
        stores: Mapping[str, StateStore],
        times: BatchTimes,
    ) -> tuple[pa.Table, OperatorMetrics]:
        """The rows the processor gives for keys with rows or initial state, then for timers that are due."""
        metrics = OperatorMetrics(self.operator_name)
        scope = Scope(times.timestamp_ms)
        handle = BatchHandle(self.declarations, stores, scope, time_mode=self.time_mode, metrics=metrics)
        with metrics.timed_updates():
            calls = _Calls(self._load(), handle, scope, self._timer_values(times))
            rows = KeyedRows.of(self._drop_late(batch, times, metrics), self._input, initial, self._initial)
            output = list(self._call_with_rows(calls, rows))
            handle.flush()
        with metrics.timed_removals(), handle.timed("timerProcessingTimeMs"):
            handle.life = "DATA_PROCESSED"
            output += self._call_with_timers(calls, self._threshold_ms(times))
            handle.flush()
        handle.life = "TIMER_PROCESSED"
        calls.close()
        handle.forget_expired()
        return self._face.to_arrow(output), metrics

    def _drop_late(self, batch: pa.Table, times: BatchTimes, metrics: OperatorMetrics) -> pa.Table:
        column = self._input.event_time
        if self.time_mode != "EventTime" or column is None or times.late_watermark_ms is None:
            return batch
        moments = batch.column(column)
        moments = physical(pc.struct_field(moments, 1) if pa.types.is_struct(moments.type) else moments)
        late = pc.fill_null(pc.less_equal(moments, times.late_watermark_ms * 1000), False)
        kept = batch.filter(pc.invert(late))
        metrics.rows_dropped_by_watermark = batch.num_rows - kept.num_rows
        return kept

    def _call_with_rows(self, calls: "_Calls", rows: KeyedRows) -> Iterator[Any]:
        calls.scope.keys = rows.keys
        names = self._face.keys(self._input.key_columns(rows.keys))
        groups = self._face.groups(rows.rows, rows.lengths)
        starts = (
            repeat(None) if rows.initial is None else self._face.groups(rows.initial, rows.initial_lengths)
        )
        for place, (name, group, start) in enumerate(zip(names, groups, starts, strict=False)):
            calls.scope.current = place
            if start is not None:
                calls.start(name, start)
            if group is not None:
                yield from calls.rows(name, group, self._face)
        calls.scope.current = None

    def _call_with_timers(self, calls: "_Calls", threshold_ms: int | None) -> Iterator[Any]:
        if calls.handle.timers is None or threshold_ms is None:
            return
        due = calls.handle.timers.take_due(threshold_ms)
        calls.scope.keys, places = distinct_keys(due.select(range(len(self._input.keys.schema))))
        names = self._face.keys(self._input.key_columns(calls.scope.keys))
        moments = due.column(EXPIRY).to_pylist()
        calls.handle.timers.begin_due(places.tolist(), moments)
        for place, expiry_ms in zip(places.tolist(), moments, strict=True):
            calls.scope.current = place
            yield from calls.timer(names[place], expiry_ms, self._face)
        calls.scope.current = None

    def _timer_values(self, times: BatchTimes) -> TimerValues:
        if self.time_mode == "NoTime":
            return TimerValues(-1, -1)
        return TimerValues(times.timestamp_ms, -1 if times.watermark_ms is None else times.watermark_ms)

    def _threshold_ms(self, times: BatchTimes) -> int | None:
        return times.timestamp_ms if self.time_mode == "ProcessingTime" else times.watermark_ms


class _Calls:
    """A processor in one batch, from init() to close()."""

    def __init__(
        self, processor: StatefulProcessor, handle: BatchHandle, scope: Scope, timer_values: TimerValues
    ) -> None:
        self.handle, self.scope = handle, scope
        self._processor, self._timer_values = processor, timer_values
        with _user_errors():
            processor.init(handle)
        handle.life = "INITIALIZED"

    def start(self, key: tuple[Any, ...], initial: Iterator[Any]) -> None:
        """Initial state, piece by piece."""
        with self.handle.timed("initialStateProcessingTimeMs"), _user_errors():
            for piece in initial:
                self._processor.handleInitialState(key, piece, self._timer_values)

    def rows(self, key: tuple[Any, ...], group: Iterator[Any], face: UserRows) -> list[Any]:
        with _user_errors():
            return face.taken(self._processor.handleInputRows(key, group, self._timer_values))

    def timer(self, key: tuple[Any, ...], expiry_ms: int, face: UserRows) -> list[Any]:
        """What one timer gives; once that is complete, the timer is gone."""
        with _user_errors():
            expired = ExpiredTimerInfo(expiry_ms)
            output = face.taken(
                self._processor.handleExpiredTimer(
                    key=key, timerValues=self._timer_values, expiredTimerInfo=expired
                )
            )
            self.handle.deleteTimer(expiry_ms)
            return output

    def close(self) -> None:
        with _user_errors():
            self._processor.close()


@contextmanager
def _user_errors() -> Iterator[None]:
    """Whatever the user's code raises ends the query as an error of the user's code."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SparkError) and error.condition is None:
            raise
        raise PythonException(
            "PYTHON_EXCEPTION",
            msg="An exception was thrown from the Python worker",
            traceback=traceback.format_exc(),
        ) from error

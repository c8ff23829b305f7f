"""applyInPandasWithState: the user's function, called with each group's rows and its own state.

Follows FlatMapGroupsInPandasWithStateExec (of Apache Spark 4.2): groups with data come first, then the
groups whose timeout has passed. The function runs in this process: a call costs no round trip.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql.conversion import ArrowTableToRowsConversion, LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout
from pyspark.sql.types import StructType

from cauce.errors import PythonException
from cauce.state import StateStore
from cauce.streaming.operators.aggregates.grouping import group_by
from cauce.streaming.operators.aggregates.rows import Request, Rows
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, key_parts
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.pandas_groups import (
    as_frame,
    checked_frames,
    frames_of,
    frames_to_arrow,
    key_tuples,
)
from cauce.streaming.operators.physical import physical

__all__ = ["TIMEOUT", "GroupFunction", "PandasGroupsWithState"]

GroupFunction = Callable[[tuple[Any, ...], Iterable[pd.DataFrame], GroupState], Iterable[pd.DataFrame]]

DEFINED = "__cauce_defined"
"""Whether there is a state: a timeout may be stored without one."""

TIMEOUT = "__cauce_timeout_us"
"""When the group times out, in microseconds; null is never."""


@dataclass(frozen=True)
class _BatchTime:
    """What the state of every group says about this batch."""

    timestamp_ms: int
    watermark_ms: int | None

    def state(
        self, value: Any | None, schema: StructType, timeout_conf: str, *, timed_out: bool
    ) -> GroupState:
        return GroupState(
            optionalValue=value,  # type: ignore[arg-type] - PySpark itself passes None
            batchProcessingTimeMs=self.timestamp_ms,
            eventTimeWatermarkMs=self.watermark_ms or 0,
            timeoutConf=timeout_conf,
            hasTimedOut=timed_out,
            watermarkPresent=self.watermark_ms is not None,
            defined=value is not None,
            updated=False,
            removed=False,
            timeoutTimestamp=GroupState.NO_TIMESTAMP,
            keyAsUnsafe=b"",
            valueSchema=schema,
        )


@dataclass
class _Changes:
    """What calls changed: positions of keys with their new value and timeout, positions of keys to forget."""

    written: list[int] = field(default_factory=list)
    values: list[tuple[Any, ...] | None] = field(default_factory=list)
    timeouts_ms: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)

    def take(self, position: int, state: GroupState) -> bool:
        """Note what one call did; whether it did anything.

        A call that neither writes the state nor sets a timeout leaves both as they were, an old timeout
        included: so it is in Spark's Python, while its Scala erases the timeout.
        """
        timeout_ms = int(state._timeout_timestamp)
        if state._removed and timeout_ms == GroupState.NO_TIMESTAMP:
            self.removed.append(position)
            return True
        if not (state._updated or state._removed or timeout_ms != GroupState.NO_TIMESTAMP):
            return False
        self.written.append(position)
        self.values.append(state.getOption)
        self.timeouts_ms.append(timeout_ms)
        return True


class PandasGroupsWithState:
    """Calls `function(key, frames, state)` for each group; the state is a row of `state_schema`."""

    operator_name = "applyInPandasWithState"
    event_time = TIMEOUT

    def __init__(
        self,
        function: GroupFunction,
        columns: pa.Schema,
        keys: GroupKeys,
        *,
        state_schema: StructType,
        schema: StructType,
        timeout_conf: str,
        event_time: str | None,
        time_zone: str,
    ) -> None:
        """`columns` are what the function sees of a row; `event_time` is the one that carries a watermark."""
        self.schema = schema
        self.output_schema = to_arrow_schema(schema, timezone=time_zone)
        self._function, self._columns, self._keys = function, columns, keys
        self._state_schema, self._timeout_conf, self._time_zone = state_schema, timeout_conf, time_zone
        self._time_column = event_time if timeout_conf == GroupStateTimeout.EventTimeTimeout else None

    @property
    def key_schema(self) -> pa.Schema:
        return self._keys.schema

    @cached_property
    def value_schema(self) -> pa.Schema:
        state = to_arrow_schema(self._state_schema, timezone="UTC")
        columns = [column.with_nullable(True).with_name(f"v{i}") for i, column in enumerate(state)]
        return pa.schema([*columns, pa.field(DEFINED, pa.bool_()), pa.field(TIMEOUT, pa.int64())])

    @property
    def layout(self) -> StoreLayout:
        """The value is a struct called groupState, and the timeout if the query has timeouts."""
        keys = self._keys.in_utc()
        fields = to_arrow_schema(self._state_schema, timezone="UTC")
        parts = tuple(
            Part(f.name, f.type, Source("column", f"v{i}"), f.nullable) for i, f in enumerate(fields)
        )
        state = Part(
            "groupState", pa.struct([p.field for p in parts]), Source("struct", DEFINED, parts=parts)
        )
        timeout = Part("timeoutTimestamp", pa.int64(), Source("millis", TIMEOUT), nullable=False)
        has_timeout = self._timeout_conf != GroupStateTimeout.NoTimeout
        return StoreLayout(
            keys,
            self.value_schema,
            key=key_parts(keys.names, keys),
            value=(state, timeout) if has_timeout else (state,),
            event_time=self.event_time,
        )

    def process(
        self,
        batch: pa.Table,
        state: StateStore,
        *,
        timestamp_ms: int,
        late_watermark_ms: int | None,
        eviction_watermark_ms: int | None,
    ) -> tuple[pa.Table, OperatorMetrics]:
        """The rows the function gives for groups with data and for groups that time out."""
        metrics = OperatorMetrics(self.operator_name)
        time = _BatchTime(timestamp_ms, eviction_watermark_ms)
        with metrics.timed_updates():
            rows = self._drop_late(batch, late_watermark_ms, metrics)
            output = list(self._call_with_data(rows, state, time, metrics))
        with metrics.timed_removals():
            output += self._call_timed_out(state, time, metrics)
        rows = frames_to_arrow(output, self.schema, self._time_zone)
        return self.output_schema.empty_table() if rows is None else rows.cast(self.output_schema), metrics

    def _drop_late(self, batch: pa.Table, watermark_ms: int | None, metrics: OperatorMetrics) -> pa.Table:
        if self._time_column is None or watermark_ms is None:
            return batch
        times = batch.column(self._time_column)
        times = physical(pc.struct_field(times, 1) if pa.types.is_struct(times.type) else times)
        late = pc.fill_null(pc.less_equal(times, watermark_ms * 1000), False)
        kept = batch.filter(pc.invert(late))
        metrics.rows_dropped_by_watermark = batch.num_rows - kept.num_rows
        return kept

    def _call_with_data(
        self, rows: pa.Table, state: StateStore, time: _BatchTime, metrics: OperatorMetrics
    ) -> Iterator[pd.DataFrame]:
        if not rows.num_rows:
            return
        positions = Rows(rows, {"position": pa.array(np.arange(rows.num_rows, dtype=np.int64))})
        members = Request("position", "list")
        keys, results = group_by(self._keys.flatten(rows), positions, [members])
        lists = results[members]
        ordered = rows.select(self._columns.names).take(lists.flatten())
        groups = frames_of(ordered, lists.value_lengths().to_numpy(), self._time_zone)
        found, values = state.get(keys)
        changes = _Changes()
        names = self._key_tuples(keys)
        for i, (key, frame, value) in enumerate(zip(names, groups, self._states(values), strict=True)):
            group_state = time.state(value, self._state_schema, self._timeout_conf, timed_out=False)
            yield from self._call(key, iter([frame]), group_state)
            changes.take(i, group_state)
        self._write(keys, changes, state, metrics)
        metrics.rows_removed += int(found[np.array(changes.removed, dtype=np.int64)].sum())

    def _call_timed_out(
        self, state: StateStore, time: _BatchTime, metrics: OperatorMetrics
    ) -> Iterator[pd.DataFrame]:
        """Groups whose timeout lies before the batch's time or watermark leave the store for their call."""
        threshold_ms = {
            GroupStateTimeout.ProcessingTimeTimeout: time.timestamp_ms,
            GroupStateTimeout.EventTimeTimeout: time.watermark_ms,
        }.get(self._timeout_conf)
        if threshold_ms is None:
            return
        expired = state.evict((threshold_ms - 1) * 1000).combine_chunks()
        if not expired.num_rows:
            return
        keys = expired.select(range(len(self.key_schema)))
        values = expired.select(range(len(self.key_schema), expired.num_columns))
        empty = as_frame(self._columns.empty_table(), self._time_zone)
        nothing = pd.DataFrame(columns=empty.columns)
        changes, untouched = _Changes(), []
        for i, (key, value) in enumerate(zip(self._key_tuples(keys), self._states(values), strict=True)):
            group_state = time.state(value, self._state_schema, self._timeout_conf, timed_out=True)
            yield from self._call(key, iter([nothing.copy()]), group_state)
            if not changes.take(i, group_state):
                untouched.append(i)
        self._write(keys, changes, state, metrics)
        if untouched:  # They left the store to be called; their timeout fires again in the next batch.
            state.put(keys.take(untouched), values.take(untouched))
        metrics.rows_removed += len(changes.removed)

    def _call(
        self, key: tuple[Any, ...], frames: Iterator[pd.DataFrame], state: GroupState
    ) -> list[pd.DataFrame]:
        try:
            return list(checked_frames(self._function(key, frames, state), self.schema))
        except Exception as error:
            raise PythonException(
                "PYTHON_EXCEPTION",
                msg="An exception was thrown from the Python worker",
                traceback=traceback.format_exc(),
            ) from error

    def _write(self, keys: pa.Table, changes: _Changes, state: StateStore, metrics: OperatorMetrics) -> None:
        if changes.removed:
            state.remove(keys.take(changes.removed))
        if changes.written:
            state.put(keys.take(changes.written), self._values(changes))
            metrics.rows_updated += len(changes.written)

    def _values(self, changes: _Changes) -> pa.Table:
        """The store's value rows."""
        nothing = (None,) * len(self._state_schema)
        rows = [nothing if value is None else value for value in changes.values]
        nullable = StructType([type(f)(f.name, f.dataType, True) for f in self._state_schema])
        columns = LocalDataToArrowConversion.convert(rows, nullable, False).columns
        defined = pa.array([value is not None for value in changes.values])
        timeouts = pa.array(
            [None if ms == GroupState.NO_TIMESTAMP else ms * 1000 for ms in changes.timeouts_ms], pa.int64()
        )
        kinds = self.value_schema.types
        columns = [column.cast(kind) for column, kind in zip(columns, kinds, strict=False)]
        return pa.Table.from_arrays([*columns, defined, timeouts], schema=self.value_schema)

    def _states(self, values: pa.Table) -> Sequence[Any | None]:
        """The state of each group, None where there is none."""
        defined = values.column(DEFINED).to_pylist()
        if not any(defined):
            return [None] * len(defined)
        stored = values.select(range(len(self._state_schema)))
        rows = ArrowTableToRowsConversion.convert(
            stored.rename_columns(self._state_schema.names), self._state_schema
        )
        return [row if known else None for row, known in zip(rows, defined, strict=True)]

    def _key_tuples(self, keys: pa.Table) -> list[tuple[Any, ...]]:
        columns = pa.table(self._keys.restore(keys), names=list(self._keys.names))
        return key_tuples(columns, self._time_zone)

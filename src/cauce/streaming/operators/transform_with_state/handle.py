"""The handle a processor gets in a batch: state variables, timers, and the order in which it may use them."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql.streaming.stateful_processor import StatefulProcessorHandle

from cauce.state import StateStore
from cauce.streaming.operators.operator_metrics import OperatorMetrics
from cauce.streaming.operators.transform_with_state.declarations import (
    Declarations,
    invalid_handle_state,
    invalid_time_mode,
)
from cauce.streaming.operators.transform_with_state.list_state import StoredList
from cauce.streaming.operators.transform_with_state.map_state import StoredMap
from cauce.streaming.operators.transform_with_state.scope import Scope
from cauce.streaming.operators.transform_with_state.timers import TIMER_STORES, Timers
from cauce.streaming.operators.transform_with_state.value_state import StoredValue
from cauce.streaming.operators.transform_with_state.variables import Kind, StateVariable

__all__ = ["COUNTERS", "BatchHandle"]

StoredState = StoredValue | StoredList | StoredMap

KINDS: dict[Kind, type[StoredState]] = {
    "ValueState": StoredValue,
    "ListState": StoredList,
    "MapState": StoredMap,
}

OPENERS: dict[Kind, str] = {
    "ValueState": "get_value_state",
    "ListState": "get_list_state",
    "MapState": "get_map_state",
}
"""What Spark calls the operation that gives a variable of a kind."""

COUNTERS = (
    "initialStateProcessingTimeMs",
    "numDeletedStateVars",
    "numDeletedTimers",
    "numExpiredTimers",
    "numListStateVars",
    "numListStateWithTTLVars",
    "numMapStateVars",
    "numMapStateWithTTLVars",
    "numRegisteredTimers",
    "numValueStateVars",
    "numValueStateWithTTLVars",
    "numValuesRemovedDueToTTLExpiry",
    "timerProcessingTimeMs",
)
"""Spark's customMetrics of the operator (TransformWithStateExecBase.scala)."""


class BatchHandle(StatefulProcessorHandle):
    """One batch's handle. `life` is what Spark calls the handle's state."""

    def __init__(
        self,
        declarations: Declarations,
        stores: Mapping[str, StateStore],
        scope: Scope,
        *,
        time_mode: str,
        metrics: OperatorMetrics,
    ) -> None:
        self.life = "CREATED"
        self._declarations, self._stores, self._scope = declarations, stores, scope
        self._metrics = metrics
        metrics.custom = dict.fromkeys(COUNTERS, 0)
        self._states: dict[str, StoredState] = {}
        name = TIMER_STORES.get(time_mode)
        self.timers = None if name is None else Timers(name, stores[name], scope)

    def getValueState(self, stateName, schema, ttlDurationMs=None) -> Any:
        return self._open(stateName, "ValueState")

    def getListState(self, stateName, schema, ttlDurationMs=None) -> Any:
        return self._open(stateName, "ListState")

    def getMapState(self, stateName, userKeySchema, valueSchema, ttlDurationMs=None) -> Any:
        return self._open(stateName, "MapState")

    def deleteIfExists(self, stateName: str) -> None:
        """A variable that is declared again is emptied; the store of any other is no longer kept."""
        self._check_life("delete_if_exists", "CREATED")
        variable = self._declarations.variables.get(stateName)
        if variable is not None and self._state(variable).clear_all():
            self.count("numDeletedStateVars")

    def registerTimer(self, expiryTimestampMs: int) -> None:
        self._timers("register_timer").register(int(expiryTimestampMs))
        self.count("numRegisteredTimers")

    def deleteTimer(self, expiryTimestampMs: int) -> None:
        self._timers("delete_timer").delete(int(expiryTimestampMs))
        self.count("numDeletedTimers")

    def listTimers(self) -> Iterator[int]:
        return self._timers("list_timers").all()

    def count(self, counter: str, number: int = 1) -> None:
        """Add to one of Spark's custom metrics."""
        self._metrics.custom[counter] += number

    @contextlib.contextmanager
    def timed(self, counter: str) -> Iterator[None]:
        """Add the milliseconds of a block to one of Spark's custom metrics."""
        began = time.perf_counter()
        yield
        self.count(counter, int((time.perf_counter() - began) * 1000))

    def flush(self) -> None:
        """Write what the phase changed, and forget its keys."""
        for part in (*self._states.values(), *([self.timers] if self.timers else [])):
            put, removed = part.flush()
            self._metrics.rows_updated += put
            self._metrics.rows_removed += removed

    def forget_expired(self) -> None:
        """Remove the rows whose time to live is over."""
        for variable in self._declarations.variables.values():
            if variable.ttl_ms is not None:
                expired = self._stores[variable.name].evict(self._scope.now_ms).num_rows
                self.count("numValuesRemovedDueToTTLExpiry", expired)

    def _open(self, name: str, kind: Kind) -> StoredState:
        self._check_life(OPENERS[kind], "CREATED")
        variable = self._declarations.variables[name]
        ttl = "" if variable.ttl_ms is None else "WithTTL"
        self.count(f"num{kind}{ttl}Vars")
        return self._state(variable)

    def _state(self, variable: StateVariable) -> StoredState:
        if variable.name not in self._states:
            store = self._stores[variable.name]
            self._states[variable.name] = KINDS[variable.kind](variable, store, self._scope)
        return self._states[variable.name]

    def _timers(self, operation: str) -> Timers:
        if self.timers is None:
            raise invalid_time_mode(operation)
        if self.life not in ("INITIALIZED", "DATA_PROCESSED"):
            raise invalid_handle_state(operation, self.life)
        return self.timers

    def _check_life(self, operation: str, wanted: str) -> None:
        if self.life != wanted:
            raise invalid_handle_state(operation, self.life)

"""What a processor's init() declares: found out before the first batch, on a handle that only listens."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from pyspark.sql.types import StructType

from cauce.errors import SparkError, UnsupportedOperationException
from cauce.streaming.operators.transform_with_state.variables import Kind, StateVariable

__all__ = ["Declarations", "ParseSchema", "declare", "invalid_handle_state"]

ParseSchema = Callable[[str], StructType]

RESERVED_NAME = "default"

CRASHED = "TransformWithStateInPySpark driver worker exited unexpectedly (crashed)"
"""What Spark says when init() fails before the first batch."""


@dataclass
class Declarations:
    """The state variables, and the names of those that are to be deleted."""

    variables: dict[str, StateVariable] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)


def declare(processor: StatefulProcessor, time_mode: str, parse: ParseSchema) -> Declarations:
    """Run the processor's init() and close() and note what it asks for; SparkError for any error in them."""
    handle = DeclaringHandle(time_mode, parse)
    try:
        processor.init(handle)
        processor.close()
    except Exception as error:
        raise SparkError(None, f"{CRASHED}: {traceback.format_exc()}") from error
    for variable in handle.declarations.variables.values():
        _check_ttl(variable, time_mode)
        _check_name(variable.name)
    return handle.declarations


class DeclaringHandle(StatefulProcessorHandle):
    """Notes state variables; their values, and timers, are out of reach."""

    def __init__(self, time_mode: str, parse: ParseSchema) -> None:
        self.declarations = Declarations()
        self._time_mode, self._parse = time_mode, parse

    def getValueState(self, stateName, schema, ttlDurationMs=None) -> Any:
        return self._declare(stateName, "ValueState", schema, None, ttlDurationMs)

    def getListState(self, stateName, schema, ttlDurationMs=None) -> Any:
        return self._declare(stateName, "ListState", schema, None, ttlDurationMs)

    def getMapState(self, stateName, userKeySchema, valueSchema, ttlDurationMs=None) -> Any:
        return self._declare(stateName, "MapState", valueSchema, userKeySchema, ttlDurationMs)

    def deleteIfExists(self, stateName: str) -> None:
        self.declarations.deleted.append(stateName)

    def registerTimer(self, expiryTimestampMs: int) -> None:
        self._refuse_timers("register_timer")

    def deleteTimer(self, expiryTimestampMs: int) -> None:
        self._refuse_timers("delete_timer")

    def listTimers(self) -> NoReturn:
        self._refuse_timers("list_timers")

    def _refuse_timers(self, operation: str) -> NoReturn:
        if self._time_mode == "NoTime":
            raise invalid_time_mode(operation)
        raise invalid_handle_state(operation, "PRE_INIT")

    def _declare(
        self,
        name: str,
        kind: Kind,
        schema: StructType | str,
        map_key: StructType | str | None,
        ttl_ms: int | None,
    ) -> "NoStateYet":
        if name in self.declarations.variables:
            raise UnsupportedOperationException(
                "STATEFUL_PROCESSOR_DUPLICATE_STATE_VARIABLE_DEFINED", stateVarName=name
            )
        key = None if map_key is None else self._schema(map_key)
        self.declarations.variables[name] = StateVariable(
            name, kind, self._schema(schema), key, ttl_ms or None
        )
        return NoStateYet(name)

    def _schema(self, schema: StructType | str) -> StructType:
        return self._parse(schema) if isinstance(schema, str) else schema


class NoStateYet:
    """Stands for a state variable while init() declares it: any use is refused."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, operation: str) -> Callable[..., NoReturn]:
        def refuse(*_: Any) -> NoReturn:
            raise invalid_handle_state(f"{self._name}.{operation}", "PRE_INIT")

        return refuse


def invalid_handle_state(operation: str, state: str) -> UnsupportedOperationException:
    """The error of a call at the wrong moment of a processor's life."""
    return UnsupportedOperationException(
        "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_HANDLE_STATE",
        operationType=operation,
        handleState=state,
    )


def invalid_time_mode(operation: str) -> UnsupportedOperationException:
    """The error of a timer in a query without time."""
    return UnsupportedOperationException(
        "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_TIME_MODE",
        operationType=operation,
        timeMode="NoTime",
    )


def _check_name(name: str) -> None:
    if not name or name != name.strip() or name == RESERVED_NAME:
        raise UnsupportedOperationException(
            "STATE_STORE_CANNOT_USE_COLUMN_FAMILY_WITH_INVALID_NAME",
            operationName="create_col_family",
            colFamilyName=name,
        )
    if not (name[0].isalnum() or name[0] == "_"):
        raise UnsupportedOperationException(
            "STATE_STORE_CANNOT_CREATE_COLUMN_FAMILY_WITH_RESERVED_CHARS", colFamilyName=name
        )


def _check_ttl(variable: StateVariable, time_mode: str) -> None:
    if variable.ttl_ms is None:
        return
    if time_mode != "ProcessingTime":
        raise UnsupportedOperationException(
            "STATEFUL_PROCESSOR_INCORRECT_TIME_MODE_TO_ASSIGN_TTL",
            stateName=variable.name,
            timeMode=time_mode,
        )
    if variable.ttl_ms < 0:
        raise UnsupportedOperationException(
            "STATEFUL_PROCESSOR_TTL_DURATION_MUST_BE_POSITIVE",
            operationType="update",
            stateName=variable.name,
        )

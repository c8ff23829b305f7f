"""The streaming commands: start, query, manager and listener bus, one function per message."""

import contextlib
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import ExecutePlanResponse

from cauce.connect.execution import Execution
from cauce.connect.output import while_waiting
from cauce.connect.static_parts import prepare_static_parts
from cauce.errors import AnalysisException, PythonException, SparkError
from cauce.plan.intervals import parse_trigger_interval_ms
from cauce.streaming.listener import Event
from cauce.streaming.manager import StreamingQueryManager, streams_of
from cauce.streaming.query import StreamingQuery, error_text
from cauce.streaming.sinks import SinkOptions
from cauce.streaming.trigger import Trigger

__all__ = ["STREAMING_COMMANDS", "sink_options", "trigger_of"]

DEFAULT_FORMAT = "parquet"
"""spark.sql.sources.default"""

EVENT_TYPES = {
    "progress": proto.QUERY_PROGRESS_EVENT,
    "idle": proto.QUERY_IDLE_EVENT,
    "terminated": proto.QUERY_TERMINATED_EVENT,
}


def write_stream_operation_start(
    message: proto.WriteStreamOperationStart, execution: Execution
) -> Iterator[ExecutePlanResponse]:
    """`df.writeStream...start()`."""
    streams = streams_of(execution.session)
    with contextlib.ExitStack() as lease:
        prepare_static_parts(message.input, execution.session, lease)
        query = streams.start(message.input, sink_options(message), trigger_of(message))
        query.on_end(lease.pop_all().close)
    result = proto.WriteStreamOperationStartResult(query_id=_instance_id(query), name=query.name or "")
    if not streams.listeners.is_empty:
        event = Event.started(query.id, query.run_id, query.name, query.started_ms)
        result.query_started_event_json = event.json_text
    yield ExecutePlanResponse(write_stream_operation_start_result=result)


def streaming_query_command(
    message: proto.StreamingQueryCommand, execution: Execution
) -> Iterator[ExecutePlanResponse]:
    """What a StreamingQuery object asks of its query."""
    query = streams_of(execution.session).get(message.query_id.id, message.query_id.run_id)
    if query is None:
        raise AnalysisException(
            "STREAMING_QUERY_NOT_FOUND", id=message.query_id.id, runId=message.query_id.run_id
        )
    result = proto.StreamingQueryCommandResult(query_id=_instance_id(query))
    kind = message.WhichOneof("command") or ""
    if kind == "await_termination":
        timeout_ms = _timeout_ms(message.await_termination)
        terminated = yield from while_waiting(execution, query.await_termination, timeout_ms)
        result.await_termination.terminated = terminated
    else:
        _handler(kind, QUERY_COMMANDS)(getattr(message, kind), query, result)
    yield ExecutePlanResponse(streaming_query_command_result=result)


def _status(_: bool, query: StreamingQuery, result: proto.StreamingQueryCommandResult) -> None:
    status = query.status
    result.status.CopyFrom(
        proto.StreamingQueryCommandResult.StatusResult(
            status_message=status.message,
            is_data_available=status.is_data_available,
            is_trigger_active=status.is_trigger_active,
            is_active=query.is_active,
        )
    )


def _last_progress(_: bool, query: StreamingQuery, result: proto.StreamingQueryCommandResult) -> None:
    last = query.last_progress
    result.recent_progress.SetInParent()
    if last is not None:
        result.recent_progress.recent_progress_json.append(last)


def _recent_progress(_: bool, query: StreamingQuery, result: proto.StreamingQueryCommandResult) -> None:
    result.recent_progress.SetInParent()
    result.recent_progress.recent_progress_json.extend(query.recent_progress)


def _stop(_: bool, query: StreamingQuery, __: proto.StreamingQueryCommandResult) -> None:
    query.stop()


def _process_all_available(_: bool, query: StreamingQuery, __: proto.StreamingQueryCommandResult) -> None:
    query.process_all_available()


def _explain(
    command: proto.StreamingQueryCommand.ExplainCommand,
    query: StreamingQuery,
    result: proto.StreamingQueryCommandResult,
) -> None:
    result.explain.result = query.explain(extended=command.extended)


def _exception(_: bool, query: StreamingQuery, result: proto.StreamingQueryCommandResult) -> None:
    result.exception.SetInParent()
    if query.exception is not None:
        result.exception.exception_message = f"{query.exception.java_class}: {query.exception}"
        result.exception.error_class = query.exception.condition or ""


QUERY_COMMANDS = {
    "status": _status,
    "last_progress": _last_progress,
    "recent_progress": _recent_progress,
    "stop": _stop,
    "process_all_available": _process_all_available,
    "explain": _explain,
    "exception": _exception,
}


def streaming_query_manager_command(
    message: proto.StreamingQueryManagerCommand, execution: Execution
) -> Iterator[ExecutePlanResponse]:
    """What `spark.streams` asks."""
    streams = streams_of(execution.session)
    result = proto.StreamingQueryManagerCommandResult()
    kind = message.WhichOneof("command") or ""
    if kind == "await_any_termination":
        timeout_ms = _timeout_ms(message.await_any_termination)
        terminated = yield from while_waiting(execution, streams.await_any_termination, timeout_ms)
        result.await_any_termination.terminated = terminated
    else:
        _handler(kind, MANAGER_COMMANDS)(getattr(message, kind), streams, result)
    yield ExecutePlanResponse(streaming_query_manager_command_result=result)


def _active(
    _: bool, streams: StreamingQueryManager, result: proto.StreamingQueryManagerCommandResult
) -> None:
    result.active.SetInParent()
    result.active.active_queries.extend(_instance(query) for query in streams.active)


def _get_query(
    query_id: str, streams: StreamingQueryManager, result: proto.StreamingQueryManagerCommandResult
) -> None:
    query = streams.get(query_id)
    if query is not None:
        result.query.CopyFrom(_instance(query))


def _reset_terminated(
    _: bool, streams: StreamingQueryManager, result: proto.StreamingQueryManagerCommandResult
) -> None:
    streams.reset_terminated()
    result.reset_terminated = True


MANAGER_COMMANDS = {
    "active": _active,
    "get_query": _get_query,
    "reset_terminated": _reset_terminated,
}


def streaming_query_listener_bus_command(
    message: proto.StreamingQueryListenerBusCommand, execution: Execution
) -> Iterator[ExecutePlanResponse]:
    """The client's listener bus: one long response stream of events, until it is removed."""
    listeners = streams_of(execution.session).listeners
    if message.WhichOneof("command") == "remove_listener_bus_listener":
        listeners.unsubscribe_all()
        return
    subscription = listeners.subscribe()
    execution.operation.on_cancel(subscription.close)
    added = proto.StreamingQueryListenerEventsResult(listener_bus_listener_added=True)
    yield ExecutePlanResponse(streaming_query_listener_events_result=added)
    for event in subscription:
        wire = proto.StreamingQueryListenerEvent(
            event_json=event.json_text, event_type=EVENT_TYPES[event.kind]
        )
        events = proto.StreamingQueryListenerEventsResult(events=[wire])
        yield ExecutePlanResponse(streaming_query_listener_events_result=events)


def _handler(kind: str, handlers: Mapping[str, Callable[..., None]]) -> Callable[..., None]:
    """The function for a command; an error for one of a later client."""
    if kind not in handlers:
        raise SparkError("CONNECT_INVALID_PLAN.NOT_FOUND_UNSUPPORTED_COMMAND", command=kind)
    return handlers[kind]


def _timeout_ms(
    command: proto.StreamingQueryCommand.AwaitTerminationCommand
    | proto.StreamingQueryManagerCommand.AwaitAnyTerminationCommand,
) -> int | None:
    return command.timeout_ms if command.HasField("timeout_ms") else None


def sink_options(message: proto.WriteStreamOperationStart) -> SinkOptions:
    return SinkOptions(
        format=_format(message),
        output_mode=message.output_mode or "append",
        query_name=message.query_name or None,
        options=dict(message.options),
        partition_by=tuple(message.partitioning_column_names),
        path=message.path or message.options.get("path") or None,
        table_name=message.table_name or None,
        function=_function(message),
    )


def _format(message: proto.WriteStreamOperationStart) -> str:
    if message.HasField("foreach_writer"):
        return "foreach"
    return "foreachBatch" if message.HasField("foreach_batch") else message.format or DEFAULT_FORMAT


def _function(message: proto.WriteStreamOperationStart) -> Any:
    """The user's function. Running it in this process is what a token allows."""
    if message.HasField("foreach_batch"):
        return _unpickled(message.foreach_batch.python_function.command)
    if message.HasField("foreach_writer"):
        # A Python worker's command: the function over (partition id, rows), profiler, two serializers.
        return _unpickled(message.foreach_writer.python_function.command)[0]
    return None


def _unpickled(command: bytes) -> Any:
    try:
        return pickle.loads(command)
    except Exception as error:
        raise PythonException(None, f"The function could not be loaded: {error_text(error)}") from error


def trigger_of(message: proto.WriteStreamOperationStart) -> Trigger:
    kind = message.WhichOneof("trigger")
    if kind in ("once", "available_now"):
        return Trigger(once=kind == "once", available_now=kind == "available_now")
    if kind == "processing_time_interval":
        return Trigger(interval_ms=parse_trigger_interval_ms(message.processing_time_interval))
    if kind is not None:  # continuous or real time: checked as Spark does, then served at once
        parse_trigger_interval_ms(getattr(message, kind))
        return Trigger(asked_for="continuous" if kind.startswith("continuous") else "real time")
    return Trigger()


def _instance_id(query: StreamingQuery) -> proto.StreamingQueryInstanceId:
    return proto.StreamingQueryInstanceId(id=query.id, run_id=query.run_id)


def _instance(
    query: StreamingQuery,
) -> proto.StreamingQueryManagerCommandResult.StreamingQueryInstance:
    return proto.StreamingQueryManagerCommandResult.StreamingQueryInstance(
        id=_instance_id(query), name=query.name
    )


STREAMING_COMMANDS = {
    "write_stream_operation_start": write_stream_operation_start,
    "streaming_query_command": streaming_query_command,
    "streaming_query_manager_command": streaming_query_manager_command,
    "streaming_query_listener_bus_command": streaming_query_listener_bus_command,
}

"""What a script's `writeStream...start()` does under `cauce replay`: nothing, but for the wanted query."""

import uuid
from types import TracebackType
from typing import Any

from pyspark.sql.connect.client import SparkConnectClient
from pyspark.sql.connect.proto import (
    Command,
    StreamingQueryCommandResult,
    StreamingQueryInstanceId,
    StreamingQueryManagerCommandResult,
    WriteStreamOperationStart,
    WriteStreamOperationStartResult,
)

from cauce.files import open_file_system

__all__ = ["InterceptedStarts", "ReachedQuery"]

CHECKPOINT_BASE = "spark.sql.streaming.checkpointLocation"


class ReachedQuery(BaseException):
    """The script starts the query. No Exception: an `except Exception` of the script must not catch it."""

    def __init__(self, session_id: str, message: WriteStreamOperationStart, path: str) -> None:
        super().__init__()
        self.session_id, self.message, self.path = session_id, message, path


class InterceptedStarts:
    """While entered, queries of this process's clients are not started.

    The one on the checkpoint raises ReachedQuery out of the script. The others look like queries that have
    ended, so that waiting for them does not keep the script from coming to it.
    """

    def __init__(self, checkpoint: str) -> None:
        _, self._path = open_file_system(checkpoint)
        self.passed: list[str] = []
        """Checkpoints of the other queries."""

    def __enter__(self) -> "InterceptedStarts":
        self._execute_command = SparkConnectClient.execute_command
        intercepted = self

        def execute_command(self: SparkConnectClient, command: Command, observations: Any = None) -> Any:
            return intercepted._execute(self, command, observations)

        SparkConnectClient.execute_command = execute_command
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        SparkConnectClient.execute_command = self._execute_command

    def _execute(self, client: SparkConnectClient, command: Command, observations: Any) -> Any:
        kind = command.WhichOneof("command_type")
        if kind == "write_stream_operation_start":
            started = self._start(client, command.write_stream_operation_start)
            return None, {"write_stream_operation_start_result": started}, None
        if kind == "streaming_query_command":
            ended = StreamingQueryCommandResult(query_id=command.streaming_query_command.query_id)
            ended.await_termination.terminated = True
            return None, {"streaming_query_command_result": ended}, None
        if kind == "streaming_query_manager_command":
            none = StreamingQueryManagerCommandResult()
            none.await_any_termination.terminated = True
            return None, {"streaming_query_manager_command_result": none}, None
        return self._execute_command(client, command, observations)

    def _start(
        self, client: SparkConnectClient, message: WriteStreamOperationStart
    ) -> WriteStreamOperationStartResult:
        location = self._location(client, message)
        if location and open_file_system(location)[1] == self._path:
            raise ReachedQuery(client._session_id, message, self._path)
        self.passed.append(location or f"no checkpoint ({message.query_name or 'unnamed'})")
        identity = StreamingQueryInstanceId(id=str(uuid.uuid4()), run_id=str(uuid.uuid4()))
        return WriteStreamOperationStartResult(query_id=identity, name=message.query_name)

    def _location(self, client: SparkConnectClient, message: WriteStreamOperationStart) -> str | None:
        """As `start()` finds it: the query's option, or the session's folder and the query's name."""
        given = {key.lower(): value for key, value in message.options.items()}.get("checkpointlocation")
        if given:
            return given
        (base,) = client.get_config_with_defaults((CHECKPOINT_BASE, None))
        return f"{base.rstrip('/')}/{message.query_name}" if base and message.query_name else None

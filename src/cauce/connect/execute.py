"""ExecutePlan: a plan or command becomes an operation whose responses stream to the client."""

import uuid
from collections.abc import Iterator

from pyspark.sql.connect.proto import ExecutePlanRequest, ExecutePlanResponse

from cauce.connect import forward
from cauce.connect.commands import COMMANDS
from cauce.connect.definitions import definition_of, remember
from cauce.connect.errors import with_suggestion
from cauce.connect.execution import Execution
from cauce.connect.output import printed_by_client, understands
from cauce.connect.plans import decompress
from cauce.connect.stream_plans import refuse_stream
from cauce.connect.wire import Parts, execute_ids, join
from cauce.errors import AnalysisException, SparkSQLException
from cauce.session import Operation, Session
from cauce.session.operation import Response

__all__ = ["execute_plan"]


def execute_plan(request: ExecutePlanRequest, session: Session) -> Operation:
    """The operation that runs the request; nothing runs before its first response is asked for."""
    decompress(request.plan)
    operation = Operation(
        operation_id=request.operation_id or str(uuid.uuid4()),
        tags=frozenset(request.tags),
        reattachable=_is_reattachable(request),
    )
    operation.source = _responses(request, session, operation)
    if not session.add_operation(operation):
        raise SparkSQLException("INVALID_HANDLE.OPERATION_ALREADY_EXISTS", handle=operation.operation_id)
    return operation


def _responses(request: ExecutePlanRequest, session: Session, operation: Operation) -> Iterator[Response]:
    definition = definition_of(request.plan.command)
    try:
        for message in _run(request, session, operation):
            yield _identified(message, session, operation)
    except AnalysisException as error:
        raise with_suggestion(error, request.plan, session) from error.__cause__
    if definition is not None:
        remember(definition, session)
    output = session.take_output() if understands(request.client_type) else ""
    if output:
        yield _identified(printed_by_client(output), session, operation)
    if operation.reattachable:
        complete = ExecutePlanResponse(result_complete=ExecutePlanResponse.ResultComplete())
        yield _identified(complete, session, operation, last=True)


def _run(request: ExecutePlanRequest, session: Session, operation: Operation) -> Iterator[Parts]:
    command = request.plan.command
    kind = command.WhichOneof("command_type") if request.plan.HasField("command") else None
    if kind in COMMANDS:
        return COMMANDS[kind](getattr(command, kind), Execution(request, session, operation))
    return _batch(Execution(request, session, operation))


def _batch(execution: Execution) -> Iterator[Parts]:
    """A plan that Sail runs; one over a stream is refused, as Sail would run some of them for ever."""
    refuse_stream(execution.request.plan, execution.session)
    yield from forward.execute(execution)


def _identified(message: Parts, session: Session, operation: Operation, *, last: bool = False) -> Response:
    response_id = str(uuid.uuid4())
    tail = execute_ids(
        session.session_id, session.server_side_session_id, operation.operation_id, response_id
    )
    return Response(response_id, join(message, tail), last)


def _is_reattachable(request: ExecutePlanRequest) -> bool:
    return any(option.reattach_options.reattachable for option in request.request_options)

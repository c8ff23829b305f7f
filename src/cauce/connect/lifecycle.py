"""The RPCs about running operations: reattach, release, interrupt, status."""

from pyspark.sql.connect.proto import (
    GetStatusRequest,
    GetStatusResponse,
    InterruptRequest,
    InterruptResponse,
    ReattachExecuteRequest,
    ReleaseExecuteRequest,
    ReleaseExecuteResponse,
)

from cauce.errors import IllegalArgumentException, SparkSQLException
from cauce.session import Operation, Session
from cauce.session.operation import OperationState

__all__ = ["get_status", "interrupt", "reattach_execute", "release_execute"]

STATES = {
    OperationState.RUNNING: GetStatusResponse.OperationStatus.OPERATION_STATE_RUNNING,
    OperationState.SUCCEEDED: GetStatusResponse.OperationStatus.OPERATION_STATE_SUCCEEDED,
    OperationState.FAILED: GetStatusResponse.OperationStatus.OPERATION_STATE_FAILED,
    OperationState.CANCELLED: GetStatusResponse.OperationStatus.OPERATION_STATE_CANCELLED,
}


def reattach_execute(request: ReattachExecuteRequest, session: Session) -> Operation:
    """The operation to stream on; the caller replays it after `request.last_response_id`."""
    operation = session.operation(request.operation_id)
    if operation is None or operation.released:
        raise SparkSQLException("INVALID_HANDLE.OPERATION_NOT_FOUND", handle=request.operation_id)
    if not operation.reattachable:
        raise SparkSQLException("INVALID_CURSOR.NOT_REATTACHABLE")
    return operation


def release_execute(request: ReleaseExecuteRequest, session: Session) -> ReleaseExecuteResponse:
    """Forget responses the client has. Releasing what is gone already is no error."""
    response = ReleaseExecuteResponse(
        session_id=session.session_id, server_side_session_id=session.server_side_session_id
    )
    operation = session.operation(request.operation_id)
    if operation is None:
        return response
    response.operation_id = operation.operation_id
    if request.HasField("release_until"):
        operation.release_until(request.release_until.response_id)
    else:
        operation.release_all()
    return response


def interrupt(request: InterruptRequest, session: Session) -> InterruptResponse:
    """Cancel running operations: all of them, those of a tag, or one."""
    return InterruptResponse(
        session_id=session.session_id,
        server_side_session_id=session.server_side_session_id,
        interrupted_ids=[o.operation_id for o in _interrupted(request, session) if o.cancel()],
    )


def get_status(request: GetStatusRequest, session: Session) -> GetStatusResponse:
    """The states of the operations asked for, or of all that are remembered."""
    response = GetStatusResponse(
        session_id=session.session_id, server_side_session_id=session.server_side_session_id
    )
    if request.HasField("operation_status"):
        asked = request.operation_status.operation_ids
        for operation_id in asked or [o.operation_id for o in session.operations()]:
            response.operation_statuses.append(_status(operation_id, session))
    return response


def _interrupted(request: InterruptRequest, session: Session) -> list[Operation]:
    if request.interrupt_type == InterruptRequest.INTERRUPT_TYPE_ALL:
        return session.operations()
    if request.interrupt_type == InterruptRequest.INTERRUPT_TYPE_TAG:
        return [o for o in session.operations() if request.operation_tag in o.tags]
    if request.interrupt_type == InterruptRequest.INTERRUPT_TYPE_OPERATION_ID:
        return [o for o in session.operations() if o.operation_id == request.operation_id]
    raise IllegalArgumentException(None, f"Unknown interrupt type {request.interrupt_type}")


def _status(operation_id: str, session: Session) -> GetStatusResponse.OperationStatus:
    operation = session.operation(operation_id)
    unknown = GetStatusResponse.OperationStatus.OPERATION_STATE_UNKNOWN
    state = unknown if operation is None else STATES[operation.state]
    return GetStatusResponse.OperationStatus(operation_id=operation_id, state=state)

"""Requests that Sail answers: sent on under the engine's session id, answered as bytes."""

from collections.abc import Iterator

import grpc
from google.protobuf.message import Message
from pyspark.sql.connect.proto import AnalyzePlanRequest

from cauce.connect.execution import Execution
from cauce.connect.results import coalesced
from cauce.connect.wire import analyze_ids
from cauce.engine.errors import translate
from cauce.errors import SparkSQLException
from cauce.session import Session

__all__ = ["analyze", "execute"]


def execute(execution: Execution) -> Iterator[bytes]:
    """Sail's responses to the request's plan. Reattaching is done here, so Sail need not buffer."""
    request, session, operation = execution.request, execution.session, execution.operation
    request.ClearField("request_options")
    _address(request, session)
    with session.engine.operation_ids.borrow() as engine_operation_id:
        request.operation_id = engine_operation_id
        call = session.engine.raw.execute_plan(request.SerializeToString())
        operation.on_cancel(call.cancel)
        try:
            yield from coalesced(call)
        except grpc.RpcError as error:
            if operation.cancelled:
                raise SparkSQLException("OPERATION_CANCELED") from None
            raise translate(error) from None
        finally:
            call.cancel()


def analyze(request: AnalyzePlanRequest, session: Session) -> bytes:
    """Sail's answer to an analysis."""
    session_id = request.session_id
    _address(request, session)
    try:
        response = session.engine.raw.analyze_plan(request.SerializeToString())
    except grpc.RpcError as error:
        raise translate(error) from None
    return response + analyze_ids(session_id, session.server_side_session_id)


def _address(request: Message, session: Session) -> None:
    request.session_id = session.server_side_session_id
    request.user_context.user_id = session.key.user_id
    request.ClearField("client_observed_server_side_session_id")

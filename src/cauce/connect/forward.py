"""Requests that Sail answers: prepared, sent on under the engine's session id, answered as bytes."""

import contextlib
from collections.abc import Iterable, Iterator

import grpc
from pyspark.sql.connect.proto import (
    AnalyzePlanRequest,
    ExecutePlanRequest,
    ExecutePlanResponse,
    Plan,
    Relation,
)

from cauce.connect.execution import Execution
from cauce.connect.metrics import observed_metrics
from cauce.connect.plans import compute, prepare, roots
from cauce.connect.results import coalesced
from cauce.connect.sql_statements import own_statement
from cauce.connect.wire import Parts, analyze_ids, join
from cauce.engine import local_relation
from cauce.engine.errors import translate
from cauce.engine.raw import TELL_THE_END, unfinished
from cauce.errors import SparkSQLException
from cauce.plan.tables import normalized_name
from cauce.session import Session

__all__ = ["analyze", "execute"]

SMALL_BYTES = 1024
"""No message that is only a mark is larger."""


def execute(execution: Execution, lease: contextlib.ExitStack | None = None) -> Iterator[Parts]:
    """Sail's responses to the request's plan, then the metrics observed in it.

    Tables that the plan reads by reference stay readable until its end, or until `lease` is closed.
    """
    request, session = execution.request, execution.session
    command = request.plan.command.WhichOneof("command_type")
    if command in SPECIAL and lease is None:
        yield from SPECIAL[command](execution)
        return
    with contextlib.ExitStack() as own_lease:
        preparations = [prepare(root, session, lease or own_lease) for root in roots(request.plan)]
        yield from coalesced(_responses(execution))
        for preparation in preparations:
            for observed in preparation.observed:
                yield observed_metrics(observed, session)


def _create_view(execution: Execution) -> Iterator[Parts]:
    """Sail keeps the view's plan, so what it reads by reference must stay until the view is replaced."""
    name = normalized_name(execution.request.plan.command.create_dataframe_view.name)
    with contextlib.ExitStack() as lease:
        yield from execute(execution, lease)
        execution.session.view_leases.replace(name, lease.pop_all())


def _sql(execution: Execution) -> Iterator[Parts]:
    """A command ran; a query comes back as the client wrote it, once it is known to make sense."""
    request, session = execution.request, execution.session
    command = request.plan.command.sql_command
    rows = own_statement(
        command.input.sql.query or command.sql, session, lambda relation: compute(relation, session)
    )
    if rows is not None:
        result = ExecutePlanResponse.SqlCommandResult(relation=local_relation(rows))
        yield ExecutePlanResponse(sql_command_result=result)
        return
    written = Relation()
    written.CopyFrom(command.input)
    has_input = command.HasField("input")
    with contextlib.ExitStack() as lease:
        for data in execute(execution, lease):
            response = ExecutePlanResponse.FromString(join(data, b""))
            result = response.sql_command_result
            if result.relation.WhichOneof("rel_type") in ("sql", "with_relations"):
                if has_input:
                    result.relation.CopyFrom(written)
                check(result.relation, session)
            yield response


SPECIAL = {"create_dataframe_view": _create_view, "sql_command": _sql}


def check(relation: Relation, session: Session) -> None:
    """Raise what is wrong with a query, without running it."""
    request = AnalyzePlanRequest(schema=AnalyzePlanRequest.Schema(plan=Plan(root=relation)))
    analyze(request, session)


def analyze(request: AnalyzePlanRequest, session: Session) -> bytes:
    """Sail's answer to an analysis."""
    session_id = request.session_id
    with contextlib.ExitStack() as lease:
        for plan in plans(request):
            for root in roots(plan):
                prepare(root, session, lease, running=False)
        _address(request, session)
        try:
            response = session.engine.raw.analyze_plan(request.SerializeToString())
        except grpc.RpcError as error:
            raise translate(error) from None
    return response + analyze_ids(session_id, session.server_side_session_id)


def plans(request: AnalyzePlanRequest) -> Iterator[Plan]:
    """The plans in an analysis request."""
    kind = request.WhichOneof("analyze")
    message = getattr(request, kind) if kind else request
    for field, value in message.ListFields():
        if field.message_type is Plan.DESCRIPTOR:
            yield value


def _responses(execution: Execution) -> Iterator[bytes]:
    request, session, operation = execution.request, execution.session, execution.operation
    request.ClearField("request_options")
    request.request_options.extend(TELL_THE_END)
    _address(request, session)
    with session.engine.operation_ids.borrow() as engine_operation_id:
        request.operation_id = engine_operation_id
        call = session.engine.raw.execute_plan(request.SerializeToString())
        operation.on_cancel(call.cancel)
        try:
            yield from _until_complete(call)
        except grpc.RpcError as error:
            if operation.cancelled:
                raise SparkSQLException("OPERATION_CANCELED") from None
            raise translate(error) from None
        finally:
            call.cancel()


def _until_complete(responses: Iterable[bytes]) -> Iterator[bytes]:
    """All but the mark of the end; an error if it does not come. Reattaching clients are served here."""
    for data in responses:
        if len(data) < SMALL_BYTES and ExecutePlanResponse.FromString(data).HasField("result_complete"):
            return
        yield data
    raise unfinished()


def _address(request: ExecutePlanRequest | AnalyzePlanRequest, session: Session) -> None:
    request.session_id = session.server_side_session_id
    request.user_context.user_id = session.key.user_id
    request.ClearField("client_observed_server_side_session_id")

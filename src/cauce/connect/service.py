"""The Spark Connect service: RPC name to handler, session lookup and error answers around each."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.protobuf.message import Message
from pyspark.sql.connect import proto

from cauce.clock import Clock, SystemClock
from cauce.connect.analyze import analyze_plan
from cauce.connect.artifacts import add_artifacts, artifact_status
from cauce.connect.config import config
from cauce.connect.errors import fetch_error_details, to_status
from cauce.connect.execute import execute_plan
from cauce.connect.lifecycle import get_status, interrupt, reattach_execute, release_execute
from cauce.connect.sessions import clone_session, release_session
from cauce.connect.wire import parse, to_bytes
from cauce.errors import SparkSQLException
from cauce.files import use_settings
from cauce.session import Operation, Session, SessionKey, SessionRegistry

__all__ = ["SERVICE_NAME", "ConnectService"]

SERVICE_NAME = "spark.connect.SparkConnectService"

Principal = Callable[[grpc.ServicerContext], str]
"""Who a call comes from, by its token."""


class ConnectService:
    """Answers calls. `rpcs()` is what a gRPC server is given."""

    def __init__(self, sessions: SessionRegistry, principal: Principal, clock: Clock | None = None) -> None:
        self._sessions = sessions
        self._principal = principal
        self._clock = clock or SystemClock()

    def rpcs(self) -> dict[str, grpc.RpcMethodHandler]:
        """RPC name to handler; all of them take and give bytes."""
        stream, unary = grpc.unary_stream_rpc_method_handler, grpc.unary_unary_rpc_method_handler
        return {
            "ExecutePlan": stream(self._streamed(proto.ExecutePlanRequest, execute_plan)),
            "ReattachExecute": stream(self._streamed(proto.ReattachExecuteRequest, reattach_execute)),
            "AnalyzePlan": unary(self._unary(proto.AnalyzePlanRequest, analyze_plan)),
            "Config": unary(self._unary(proto.ConfigRequest, config)),
            "AddArtifacts": grpc.stream_unary_rpc_method_handler(self._add_artifacts),
            "ArtifactStatus": unary(self._unary(proto.ArtifactStatusesRequest, artifact_status)),
            "Interrupt": unary(self._unary(proto.InterruptRequest, interrupt)),
            "ReleaseExecute": unary(self._unary(proto.ReleaseExecuteRequest, release_execute)),
            "FetchErrorDetails": unary(self._unary(proto.FetchErrorDetailsRequest, fetch_error_details)),
            "GetStatus": unary(self._unary(proto.GetStatusRequest, get_status)),
            "CloneSession": unary(self._unary(proto.CloneSessionRequest, self._clone_session)),
            "ReleaseSession": unary(self._release_session),
        }

    def _unary(
        self, message_class: type[Message], handler: Callable[[Any, Session], Message | bytes]
    ) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        def answer(data: bytes, context: grpc.ServicerContext) -> bytes:
            session = None
            try:
                request = parse(message_class, data)
                session = self._session(request, context)
                return to_bytes(handler(request, session))
            except Exception as error:
                context.abort_with_status(to_status(error, session))

        return answer

    def _streamed(
        self, message_class: type[Message], handler: Callable[[Any, Session], Operation]
    ) -> Callable[[bytes, grpc.ServicerContext], Iterator[bytes]]:
        def answer(data: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            session = None
            try:
                request = parse(message_class, data)
                session = self._session(request, context)
                operation = handler(request, session)
                operation.attach()
                # Not the end of this generator: it may wait for a slow query long after its client has gone.
                if not context.add_callback(lambda: operation.detach(self._clock.now_ms())):
                    operation.detach(self._clock.now_ms())
                yield from operation.stream(getattr(request, "last_response_id", "") or None)
            except Exception as error:
                context.abort_with_status(to_status(error, session))

        return answer

    def _add_artifacts(self, chunks: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        session = None
        try:
            requests = (parse(proto.AddArtifactsRequest, data) for data in chunks)
            first = next(requests, proto.AddArtifactsRequest())
            session = self._session(first, context)
            return to_bytes(add_artifacts(itertools.chain([first], requests), session))
        except Exception as error:
            context.abort_with_status(to_status(error, session))

    def _clone_session(self, request: proto.CloneSessionRequest, session: Session) -> Message:
        return clone_session(request, session, self._sessions)

    def _release_session(self, data: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            request = parse(proto.ReleaseSessionRequest, data)
            return to_bytes(release_session(request, self._key(request, context), self._sessions))
        except Exception as error:
            context.abort_with_status(to_status(error))

    def _session(self, request: Any, context: grpc.ServicerContext) -> Session:
        observed_id = getattr(request, "client_observed_server_side_session_id", "")
        session = self._sessions.get_or_create(self._key(request, context), observed_id)
        use_settings(session.settings.all)
        return session

    def _key(self, request: Any, context: grpc.ServicerContext) -> SessionKey:
        try:
            uuid.UUID(request.session_id)
        except ValueError:
            raise SparkSQLException("INVALID_HANDLE.FORMAT", handle=request.session_id) from None
        return SessionKey(self._principal(context), request.user_context.user_id, request.session_id)

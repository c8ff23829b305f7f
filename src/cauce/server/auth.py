"""Tokens: every call carries one, on loopback too, because a token is code execution."""

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence

import grpc

__all__ = ["TokenInterceptor", "Tokens", "new_token"]

TOKEN_BYTES = 32
PUBLIC_METHODS = frozenset({"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"})
"""Liveness probes carry no token, and learn nothing but that the server is up."""


def new_token() -> str:
    """A fresh 256-bit token."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Tokens:
    """Which principal a token belongs to."""

    def __init__(self, principals: Mapping[str, str]) -> None:
        """`principals` maps a token to the principal it authenticates."""
        self._principals = {f"Bearer {token}".encode(): name for token, name in principals.items()}
        self._tokens = {name: token for token, name in principals.items()}

    def token_of(self, principal: str) -> str:
        """A token that authenticates the principal."""
        return self._tokens[principal]

    def principal(self, metadata: Sequence[tuple[str, str | bytes]]) -> str | None:
        """The principal of a call, or None. Every token is compared in constant time."""
        given = next((value for key, value in metadata if key == "authorization"), "")
        given = given.encode() if isinstance(given, str) else given
        found = None
        for expected, name in self._principals.items():
            if hmac.compare_digest(given, expected):
                found = name
        return found


class TokenInterceptor(grpc.ServerInterceptor):
    """Refuses calls without a valid token before anything of them is read."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._refusals = {
            (False, False): grpc.unary_unary_rpc_method_handler(_refuse),
            (False, True): grpc.unary_stream_rpc_method_handler(_refuse),
            (True, False): grpc.stream_unary_rpc_method_handler(_refuse),
            (True, True): grpc.stream_stream_rpc_method_handler(_refuse),
        }

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method in PUBLIC_METHODS:
            return handler
        if self._tokens.principal(handler_call_details.invocation_metadata) is not None:
            return handler
        return self._refusals[handler.request_streaming, handler.response_streaming]


def _refuse(request: object, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid authentication token")

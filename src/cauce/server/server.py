"""One cauce server: where it listens, who may call, and its orderly end."""

import ipaddress
import os
import threading
import weakref
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import grpc

from cauce.clock import Clock, SystemClock
from cauce.connect.service import SERVICE_NAME, ConnectService
from cauce.engine import Engine
from cauce.errors import SparkError
from cauce.server.auth import TokenInterceptor, Tokens, new_token
from cauce.server.call_threads import CallThreads
from cauce.session import SessionRegistry
from cauce.session.session import Session, write_to_stdout

__all__ = ["CALLS_MAX", "MESSAGE_BYTES_MAX", "CauceServer", "running_session", "server_session"]

MESSAGE_BYTES_MAX = 128 * 1024 * 1024
CALLS_MAX = 256
"""Calls served at once; a streaming listener or awaitTermination is one for as long as it waits."""
EXPIRY_INTERVAL_MS = 10_000
LOOPBACK = "127.0.0.1"
TOKEN_VARIABLE = "SPARK_CONNECT_AUTHENTICATE_TOKEN"

_started: "weakref.WeakSet[CauceServer]" = weakref.WeakSet()
"""Servers of this process that listen."""


class CauceServer:
    """`with CauceServer() as server: SparkSession.builder.remote(server.connection_string)`."""

    def __init__(
        self,
        host: str = LOOPBACK,
        port: int = 0,
        token: str | None = None,
        *,
        tls: tuple[bytes, bytes] | None = None,
        users: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        in_process_client: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Nothing listens before `start`.

        `token` defaults to the environment's SPARK_CONNECT_AUTHENTICATE_TOKEN, else to a new one.
        `tls` is (certificate chain, private key) in PEM. `users` maps further tokens to the user each
        authenticates; sessions of different users never meet. `in_process_client` says that the client
        lives in this process, so that console output is simply printed.
        """
        self.host = host
        self.token = token or os.environ.get(TOKEN_VARIABLE) or new_token()
        self._port = port
        self._tls = tls
        self._clock = clock or SystemClock()
        self._tokens = Tokens({**(users or {}), self.token: ""})
        self._inner_port = 0
        """Where this process's own clients connect; with TLS a port of its own, because they need none."""
        self.engine = Engine()
        self.sessions = SessionRegistry(
            self.engine,
            clock=self._clock,
            connect=self._client_session,
            output=write_to_stdout if in_process_client else None,
            settings=dict(settings or {}),
        )
        self._server: grpc.Server | None = None
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port that is listened on; with 0 asked for, known after `start`."""
        return self._port

    @property
    def connection_string(self) -> str:
        """What a client passes to `SparkSession.builder.remote`; it contains the token."""
        # With a token the client speaks plain text only to a host spelled `localhost`.
        host = "localhost" if self._is_loopback() else self.host
        tls = ";use_ssl=true" if self._tls else ""
        return f"sc://{host}:{self._port}/;token={quote(self.token, safe='')}{tls}"

    def start(self) -> "CauceServer":
        """Listen. Raises CAUCE_ADDRESS_IN_USE or CAUCE_UNSAFE_ADDRESS."""
        if not self._is_loopback() and self._tls is None:
            raise SparkError("CAUCE_UNSAFE_ADDRESS", address=self.host)
        server = self._grpc_server()
        self._port = self._bind(server)
        self._inner_port = server.add_insecure_port(f"{LOOPBACK}:0") if self._tls else self._port
        server.start()
        self._server = server
        _started.add(self)
        threading.Thread(target=self._expire_sessions, name="cauce-expiry", daemon=True).start()
        return self

    def stop(self, grace_s: float | None = 5.0) -> None:
        """Refuse new calls, end sessions and their queries, give running calls `grace_s`, end the engine.

        None cancels running calls at once and needs no thread, as at the exit of the process.
        """
        self._stopping.set()
        server, self._server = self._server, None
        if server is None:
            return
        _started.discard(self)
        stopped = server.stop(grace_s)
        self.sessions.close_all()
        stopped.wait()
        self.engine.stop()

    def wait(self) -> None:
        """Until somebody calls `stop`."""
        self._stopping.wait()

    def __enter__(self) -> "CauceServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _grpc_server(self) -> grpc.Server:
        service = ConnectService(self.sessions, self._principal, self._clock)
        server = grpc.server(
            CallThreads(CALLS_MAX),  # pyright: ignore[reportArgumentType] - any Executor will do
            interceptors=[TokenInterceptor(self._tokens)],
            maximum_concurrent_rpcs=CALLS_MAX,
            options=[
                ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
                ("grpc.max_send_message_length", -1),
                # A second server on the same port must be an error, not half of the calls.
                ("grpc.so_reuseport", 0),
            ],
        )
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE_NAME, service.rpcs())])
        _add_standard_services(server)
        return server

    def _bind(self, server: grpc.Server) -> int:
        address = f"[{self.host}]:{self._port}" if ":" in self.host else f"{self.host}:{self._port}"
        try:
            if self._tls is None:
                return server.add_insecure_port(address)
            certificate, key = self._tls
            return server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
        except RuntimeError:
            raise SparkError(
                "CAUCE_ADDRESS_IN_USE", address=address, reason=_why(self.host, self._port)
            ) from None

    def _principal(self, context: grpc.ServicerContext) -> str:
        return self._tokens.principal(context.invocation_metadata()) or ""

    def _is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def _expire_sessions(self) -> None:
        while not self._clock.wait(self._stopping, EXPIRY_INTERVAL_MS):
            self.sessions.expire()
            self.engine.keep_alive()

    def _client_session(self, session: Session) -> Any:
        from cauce.server.client import client_session

        return client_session(session, self._inner_port, self._tokens.token_of(session.key.principal))


def running_session(session_id: str) -> Session:
    """The session of that id on a server of this process; there is one once the client has called."""
    for server in list(_started):
        for session in server.sessions.sessions():
            if session.session_id == session_id:
                return session
    raise SparkError(None, "This SparkSession is not served by cauce in this process (cauce.start()).")


def server_session(client: Any) -> Session:
    """The server's side of a pyspark session."""
    try:
        return running_session(client.session_id)
    except SparkError:
        client.conf.get("spark.sql.session.timeZone")  # A session is made by its first call.
        return running_session(client.session_id)


def _add_standard_services(server: grpc.Server) -> None:
    """Health and reflection, as every Spark Connect endpoint of a platform has them."""
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection

    checks = health.HealthServicer()
    for name in ("", SERVICE_NAME):
        checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection([SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME], server)


def _why(host: str, port: int) -> str:
    """The operating system's words for why an address cannot be listened on."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return "address not available"

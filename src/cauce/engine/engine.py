"""Sail inside this process, started on first use: one server for users' sessions, one for streams.

Sail arms a timer of 2.7 KB at every request, which ends the session if it was the last request for as long
as the session timeout. A short timeout bounds the memory of those timers, but a process that stands still
for longer (stopped, frozen) loses its sessions. Users' sessions hold what cannot be made again, so theirs is
long; those of streams, which make most requests, hold nothing (see stream_session.py), so theirs is short.
"""

import os
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any, ClassVar

import grpc
import grpc.experimental

from cauce.engine.session import EngineSession
from cauce.engine.signals import InterruptHandler
from cauce.engine.stream_session import StreamSession

__all__ = ["Engine"]

SESSION_TIMEOUT_S = 2 * 3600
"""Longer than a user's session may be idle. Sessions that are still there are kept alive."""
STREAM_SESSION_TIMEOUT_S = 30
KEEP_ALIVE_S = 600
"""How often users' sessions are told to stay."""
TIMEOUT_SETTING = "SAIL_SPARK__SESSION_TIMEOUT_SECS"

BATCH_ROWS = 65_536
"""Rows per Arrow batch inside Sail: its default of 8,192 halves the rate of large micro-batches."""

CATALOGS = (
    '[{name="spark_catalog", type="memory", initial_database=["default"], '
    'initial_database_comment="default database"}]'
)
"""Tables by name live in one catalog, which programs know as Spark's."""

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.default_compression_algorithm", 0),
    # Accept nothing but identity: otherwise Sail gzips every response, 15x the time of sending it.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    # Every engine gets a TCP connection of its own; the global pool would share it with the client's.
    ("grpc.use_local_subchannel_pool", 1),
    # A response stream is read by the thread that asked, without a helper thread for every call.
    (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),
)


class Engine:
    """The Sail servers of this process. `address` starts the users' one; `stop` ends both for good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: _Server | None = None
        self._streams: _Server | None = None
        self._sessions: weakref.WeakSet[EngineSession] = weakref.WeakSet()
        self._kept_alive_s = time.monotonic()

    @property
    def address(self) -> str:
        """host:port of Sail's own Spark Connect endpoint, loopback only."""
        return self._users_server().address

    @property
    def channel(self) -> grpc.Channel:
        """The one channel to Sail; safe to share between threads."""
        return self._users_server().channel

    def session(self, user_id: str, session_id: str) -> EngineSession:
        """The Sail session of that name, created by Sail on its first request."""
        session = EngineSession(self.channel, user_id, session_id, self._stream_session)
        with self._lock:
            self._sessions.add(session)
        return session

    def keep_alive(self) -> None:
        """To be called more often than STREAM_SESSION_TIMEOUT_S; Sail's timers run by the machine's clock."""
        users_too = time.monotonic() - self._kept_alive_s >= KEEP_ALIVE_S
        if users_too:
            self._kept_alive_s = time.monotonic()
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            if users_too or isinstance(session, StreamSession):
                session.touch()

    def stop(self) -> None:
        with self._lock:
            servers = [server for server in (self._users, self._streams) if server is not None]
            self._users = self._streams = None
        for server in servers:
            server.stop()

    def _users_server(self) -> "_Server":
        with self._lock:
            if self._users is None:
                self._users = _Server(SESSION_TIMEOUT_S)
            return self._users

    def _stream_session(self, user_id: str, settings: Mapping[str, str]) -> StreamSession:
        with self._lock:
            if self._streams is None:
                self._streams = _Server(STREAM_SESSION_TIMEOUT_S)
            channel = self._streams.channel
        session = StreamSession(channel, user_id, settings)
        with self._lock:
            self._sessions.add(session)
        return session


class _Server:
    """One Sail server and the channel to it."""

    _interrupts_are_ours: ClassVar[bool] = False

    def __init__(self, session_timeout_s: int) -> None:
        os.environ.setdefault("RUST_LOG", "error")
        if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"):
            os.environ.setdefault("AWS_ALLOW_HTTP", "true")  # Who writes http means it.
        os.environ.setdefault("SAIL_EXECUTION__BATCH_SIZE", str(BATCH_ROWS))
        os.environ.setdefault("SAIL_CATALOG__LIST", CATALOGS)
        os.environ.setdefault("SAIL_CATALOG__DEFAULT_CATALOG", '"spark_catalog"')
        # Imported here because loading Sail costs time that a `cauce --help` should not pay.
        from pysail.spark import SparkConnectServer

        handler = InterruptHandler()
        os.environ[TIMEOUT_SETTING] = str(session_timeout_s)
        self._server: Any = SparkConnectServer("127.0.0.1", 0)
        self._server.start(background=True)
        host, port = self._server.listening_address
        self.address = f"{host}:{port}"
        self.channel = grpc.insecure_channel(self.address, options=CHANNEL_OPTIONS)
        self._keep(handler)

    def stop(self) -> None:
        self.channel.close()
        self._server.stop()

    @classmethod
    def _keep(cls, handler: InterruptHandler) -> None:
        if not cls._interrupts_are_ours:
            handler.restore_when_replaced()
            cls._interrupts_are_ours = True

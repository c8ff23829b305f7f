"""One Sail server inside this process, started on first use, and the raw channel to it."""

import os
import threading
from typing import Any, ClassVar

import grpc
import grpc.experimental

from cauce.engine.session import EngineSession
from cauce.engine.signals import InterruptHandler

__all__ = ["Engine"]

SESSION_TIMEOUT_S = 10 * 365 * 24 * 3600
"""cauce ends sessions itself, so Sail never should."""

BATCH_ROWS = 65_536
"""Rows per Arrow batch inside Sail: its default of 8,192 halves the rate of large micro-batches."""

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
    """The Sail server of this process. `address` starts it; `stop` ends it for good."""

    _interrupts_are_ours: ClassVar[bool] = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: Any = None
        self._channel: grpc.Channel | None = None

    @property
    def address(self) -> str:
        """host:port of Sail's own Spark Connect endpoint, loopback only."""
        self._start()
        host, port = self._server.listening_address
        return f"{host}:{port}"

    @property
    def channel(self) -> grpc.Channel:
        """The one channel to Sail; safe to share between threads."""
        self._start()
        assert self._channel is not None
        return self._channel

    def session(self, user_id: str, session_id: str) -> EngineSession:
        """The Sail session of that name, created by Sail on its first request."""
        return EngineSession(self.channel, user_id, session_id)

    def stop(self) -> None:
        with self._lock:
            if self._server is not None and self._channel is not None:
                self._channel.close()
                self._server.stop()
                self._server = self._channel = None

    def _start(self) -> None:
        with self._lock:
            if self._server is not None:
                return
            os.environ.setdefault("RUST_LOG", "error")
            os.environ.setdefault("SAIL_SPARK__SESSION_TIMEOUT_SECS", str(SESSION_TIMEOUT_S))
            os.environ.setdefault("SAIL_EXECUTION__BATCH_SIZE", str(BATCH_ROWS))
            # Imported here because loading Sail costs time that a `cauce --help` should not pay.
            from pysail.spark import SparkConnectServer

            handler = InterruptHandler()
            server: Any = SparkConnectServer("127.0.0.1", 0)
            server.start(background=True)
            host, port = server.listening_address
            self._channel = grpc.insecure_channel(f"{host}:{port}", options=CHANNEL_OPTIONS)
            self._keep(handler)
            self._server = server

    @classmethod
    def _keep(cls, handler: InterruptHandler) -> None:
        if not cls._interrupts_are_ours:
            handler.restore_when_replaced()
            cls._interrupts_are_ours = True

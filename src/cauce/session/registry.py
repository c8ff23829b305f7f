"""All sessions of a server: made on first use, ended when released or idle for too long."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from cauce.clock import Clock, SystemClock
from cauce.engine import Engine
from cauce.errors import SparkError, SparkSQLException
from cauce.session.session import Session, SessionKey
from cauce.session.settings import Settings

__all__ = ["IDLE_MS_MAX", "SESSIONS_MAX", "SessionKey", "SessionRegistry"]

SESSIONS_MAX = 64
IDLE_MS_MAX = 60 * 60 * 1000
CLOSED_KEPT_MAX = 1024
"""Ids of ended sessions that are remembered, so that their clients are told so."""
DETACHED_MS_MAX = 5 * 60 * 1000
"""An operation nobody streams for this long is abandoned (Spark: 5m)."""


class SessionRegistry:
    """Thread-safe. The server calls `expire` from time to time."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock | None = None,
        connect: Callable[[Session], Any] | None = None,
        output: Callable[[str], None] | None = None,
        settings: dict[str, str] | None = None,
        sessions_max: int = SESSIONS_MAX,
    ) -> None:
        self._engine = engine
        self._clock = clock or SystemClock()
        self._connect = connect
        self._output = output
        self._settings = dict(settings or {})
        self._sessions_max = sessions_max
        self._lock = threading.Lock()
        self._sessions: dict[SessionKey, Session] = {}
        self._closed: OrderedDict[SessionKey, None] = OrderedDict()

    def get_or_create(self, key: SessionKey, observed_id: str = "") -> Session:
        """The session of `key`; `observed_id` is the server-side id the client saw before, if any."""
        with self._lock:
            session = self._sessions.get(key) or self._create(key)
            session.last_used_ms = self._clock.now_ms()
        if observed_id and observed_id != session.server_side_session_id:
            raise SparkSQLException("INVALID_HANDLE.SESSION_CHANGED", handle=key.session_id)
        return session

    def get(self, key: SessionKey) -> Session | None:
        with self._lock:
            return self._sessions.get(key)

    def sessions(self) -> list[Session]:
        with self._lock:
            return list(self._sessions.values())

    def clone(self, source: Session, session_id: str) -> Session:
        """A new session with the settings of `source`."""
        key = SessionKey(source.key.principal, source.key.user_id, session_id)
        with self._lock:
            if key in self._sessions or key in self._closed:
                raise SparkSQLException(
                    "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS",
                    targetSessionId=session_id,
                )
            session = self._create(key, source.settings.all())
            session.last_used_ms = self._clock.now_ms()
        session.views.update(source.views)
        session.relations.update(source.relations)
        return session

    def close(self, key: SessionKey, *, allow_reconnect: bool = False) -> Session | None:
        """End a session: its queries stop and its id answers SESSION_CLOSED from now on."""
        with self._lock:
            session = self._sessions.pop(key, None)
            if not allow_reconnect:
                self._remember_closed(key)
        if session is not None:
            session.close()
        return session

    def close_all(self) -> None:
        for session in self.sessions():
            self.close(session.key)

    def expire(self) -> None:
        """End sessions that were idle for IDLE_MS_MAX and drop operations nobody came back for."""
        now_ms = self._clock.now_ms()
        for session in self.sessions():
            for operation in session.operations():
                if operation.abandoned(now_ms - DETACHED_MS_MAX):
                    operation.release_all()
            if now_ms - session.last_used_ms > IDLE_MS_MAX and not session.busy():
                self.close(session.key)

    def _create(self, key: SessionKey, settings: dict[str, str] | None = None) -> Session:
        if key in self._closed:
            raise SparkSQLException("INVALID_HANDLE.SESSION_CLOSED", handle=key.session_id)
        if len(self._sessions) >= self._sessions_max:
            raise SparkError("CAUCE_TOO_MANY_SESSIONS", limit=self._sessions_max)
        values = settings if settings is not None else self._settings
        engine = self._engine.session(key.user_id, str(uuid.uuid4()))
        if values:
            engine.config_set(values)
        session = Session(
            key,
            engine,
            settings=Settings(values),
            connect=self._connect,
            output=self._output,
        )
        self._sessions[key] = session
        return session

    def _remember_closed(self, key: SessionKey) -> None:
        self._closed[key] = None
        while len(self._closed) > CLOSED_KEPT_MAX:
            self._closed.popitem(last=False)

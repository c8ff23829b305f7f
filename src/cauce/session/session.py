"""One client session: everything the server remembers for one (user, session id)."""

import contextlib
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql.connect.proto import Command, Relation

from cauce.engine import EngineSession
from cauce.session.artifacts import ArtifactStore
from cauce.session.cache import CachedRelation, Leases, RelationCache
from cauce.session.operation import Operation
from cauce.session.settings import Settings

__all__ = ["Session", "SessionKey"]

OUTPUT_CHARS_MAX = 1 << 20
"""Console text waiting for a remote client; older text is dropped beyond it."""
OPERATIONS_KEPT_MAX = 256
"""So many finished operations at least can still be asked for their status."""


@dataclass(frozen=True)
class SessionKey:
    """Who asks: the principal a token belongs to, the user it names, and the session it made up."""

    principal: str
    user_id: str
    session_id: str


class Session:
    """State of one session. Parts above keep theirs in attributes and clean up through `on_close`."""

    def __init__(
        self,
        key: SessionKey,
        engine: EngineSession,
        *,
        settings: Settings | None = None,
        connect: Callable[["Session"], Any] | None = None,
        output: Callable[[str], None] | None = None,
    ) -> None:
        """`engine.session_id` is the server-side session id that the client sees.

        `connect` opens a pyspark session on this very session; `output` prints where the user looks
        when that is this process, and is None for a client elsewhere.
        """
        self.key = key
        self.engine = engine
        self.settings = settings or Settings()
        self.views: dict[str, Relation] = {}
        """Streaming temporary views by lower-case name."""
        self.view_leases = Leases()
        """Tables that Sail's temporary views read by reference, by view name."""
        self.relations: dict[str, pa.Table] = {}
        """Tables that a CachedRemoteRelation of this id stands for."""
        self.data_sources: dict[str, type] = {}
        """Python data sources registered by the user, by lower-case name."""
        self.definitions: dict[tuple[str, str], Command] = {}
        """What was defined in Sail by name, in order, for a clone of this session."""
        self.checkpoints: dict[str, CachedRelation] = {}
        """Lazy checkpoints that a CachedRemoteRelation of this id stands for."""
        self.persisted = RelationCache()
        self.artifacts = ArtifactStore(engine.session_id)
        self.streams: Any = None
        """The streaming query manager, attached by `cauce.streaming`."""
        self.models: Any = None
        """The cache of fitted models, attached when pyspark.ml is first used."""
        self.closed = False
        self.last_used_ms = 0
        self.errors: OrderedDict[str, Any] = OrderedDict()
        """Recent errors by id, for FetchErrorDetails."""
        self._operations: OrderedDict[str, Operation] = OrderedDict()
        self._lock = threading.RLock()
        self._close_hooks: list[Callable[[], None]] = []
        self._connect = connect
        self._client: Any = None
        self._output = output
        self._pending_output = ""

    @property
    def session_id(self) -> str:
        """The id the client made up."""
        return self.key.session_id

    @property
    def server_side_session_id(self) -> str:
        """The id the server made up; also Sail's name for the session."""
        return self.engine.session_id

    def add_operation(self, operation: Operation) -> bool:
        """False if an operation of that id exists already."""
        with self._lock:
            if operation.operation_id in self._operations:
                return False
            self._operations[operation.operation_id] = operation
            self._forget_finished_operations()
            return True

    def operation(self, operation_id: str) -> Operation | None:
        with self._lock:
            return self._operations.get(operation_id)

    def operations(self) -> list[Operation]:
        with self._lock:
            return list(self._operations.values())

    def busy(self) -> bool:
        """Whether something is running, so that the session must not expire."""
        return any(not operation.finished for operation in self.operations())

    def on_close(self, hook: Callable[[], None]) -> None:
        """`hook` runs once when the session ends; at once if it has ended."""
        with self._lock:
            if not self.closed:
                self._close_hooks.append(hook)
                return
        hook()

    def close(self) -> None:
        """Interrupt what runs and call the hooks, last first. A failing hook does not stop the others."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            hooks, self._close_hooks = self._close_hooks, []
        for operation in self.operations():
            operation.cancel()
        errors = []
        for hook in reversed(hooks):
            try:
                hook()
            except Exception as error:
                errors.append(error)
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.client.close()
        self.relations.clear()
        self.checkpoints.clear()
        self.persisted.clear()
        self.views.clear()
        self.view_leases.close_all()
        self.artifacts.close()
        if errors:
            raise ExceptionGroup(f"closing session {self.session_id}", errors)

    def write_to_client(self, text: str) -> None:
        """Text for the user's terminal or notebook: at once in process, else with the next response."""
        if self._output is not None:
            self._output(text)
            return
        with self._lock:
            self._pending_output = (self._pending_output + text)[-OUTPUT_CHARS_MAX:]

    def take_output(self) -> str:
        """Text waiting for a remote client; taken once."""
        with self._lock:
            text, self._pending_output = self._pending_output, ""
            return text

    def client_session(self) -> Any:
        """A pyspark session on this server with this session's id, made once."""
        with self._lock:
            if self._client is None:
                if self._connect is None:
                    raise RuntimeError("this session is not served to clients")
                self._client = self._connect(self)
            return self._client

    def _forget_finished_operations(self) -> None:
        # Looked through only now and then, because it is looked through whole.
        if len(self._operations) > 2 * OPERATIONS_KEPT_MAX:
            finished = [key for key, operation in self._operations.items() if operation.finished]
            for key in finished[:-OPERATIONS_KEPT_MAX]:
                del self._operations[key]


def write_to_stdout(text: str) -> None:
    """The output of a client that lives in this process."""
    sys.stdout.write(text)
    sys.stdout.flush()

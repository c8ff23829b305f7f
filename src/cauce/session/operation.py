"""One execution of a plan or command: its responses, kept until the client has them for sure.

The responses are pulled from the source by whichever call streams them to the client, so an
operation needs no thread of its own. When the client's stream breaks, a later ReattachExecute
replays what was not released and pulls on.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from enum import Enum

from cauce.errors import SparkSQLException

__all__ = ["Operation", "OperationState", "Response"]

RETAINED_BYTES_MAX = 10 * 1024 * 1024
"""Responses already sent and not yet released are kept up to this size (Spark: 10m)."""


class OperationState(Enum):
    """Where an operation is, in the words of GetStatus."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Response:
    """One message of the stream, as bytes on the wire."""

    response_id: str
    data: bytes
    last: bool = False


@dataclass(eq=False)
class Operation:
    """A running or finished execution. `source` gives the responses in order."""

    operation_id: str
    tags: frozenset[str]
    reattachable: bool
    source: Iterator[Response] = field(default_factory=lambda: iter(()))
    state: OperationState = OperationState.RUNNING
    attached: int = 0
    """How many calls are streaming it now."""
    last_detached_ms: int | None = None
    released: bool = False
    context: Context = field(default_factory=copy_context)
    """What the call that began it had set (whose settings count), for whichever call pulls."""
    _pull: threading.Lock = field(default_factory=threading.Lock)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: deque[Response] = field(default_factory=deque)
    _kept_bytes: int = 0
    _first: int = 0
    _released_id: str = ""
    """The response before the first one kept: a client may have it as its last."""
    _error: BaseException | None = None
    _cancel_hooks: list[Callable[[], object]] = field(default_factory=list)

    @property
    def cancelled(self) -> bool:
        return self.state is OperationState.CANCELLED

    @property
    def finished(self) -> bool:
        return self.state is not OperationState.RUNNING

    def stream(self, last_response_id: str | None = None) -> Iterator[bytes]:
        """Responses after `last_response_id` (None: from the first), then the end or the error."""
        position = self._position_after(last_response_id)
        while (response := self._response_at(position)) is not None:
            yield response.data
            position += 1

    def attach(self) -> None:
        """A call begins to stream it."""
        with self._lock:
            self.attached += 1

    def detach(self, now_ms: int) -> None:
        """That call has ended, however it did. Without reattaching nobody can come back."""
        with self._lock:
            self.attached -= 1
            self.last_detached_ms = now_ms
        if not self.reattachable:
            self.release_all()

    def abandoned(self, before_ms: int) -> bool:
        """Whether nobody has been streaming it since `before_ms`, though there is something to stream."""
        detached_ms = self.last_detached_ms
        if self.attached or self.released or detached_ms is None:
            return False
        return detached_ms < before_ms

    def release_until(self, response_id: str) -> None:
        """The client has everything up to and including `response_id`."""
        with self._lock:
            if any(response.response_id == response_id for response in self._kept):
                while self._drop_first().response_id != response_id:
                    pass

    def release_all(self) -> None:
        """The client is done with it; what still runs is stopped."""
        self.cancel()
        with self._lock:
            self.released = True
            self._kept.clear()
            self._kept_bytes = 0

    def on_cancel(self, hook: Callable[[], object]) -> None:
        """`hook` is called once if the operation is interrupted; it must wake whoever waits."""
        with self._lock:
            if not self.cancelled:
                self._cancel_hooks.append(hook)
                return
        hook()

    def cancel(self) -> bool:
        """Interrupt; False when it had ended already."""
        with self._lock:
            if self.finished:
                return False
            self.state = OperationState.CANCELLED
            hooks, self._cancel_hooks = self._cancel_hooks, []
        for hook in hooks:
            hook()
        return True

    def _position_after(self, response_id: str | None) -> int:
        with self._lock:
            if response_id is None:
                return 0
            if response_id == self._released_id:
                return self._first
            for index, response in enumerate(self._kept):
                if response.response_id == response_id:
                    return self._first + index + 1
        raise SparkSQLException("INVALID_CURSOR.POSITION_NOT_FOUND", responseId=response_id)

    def _response_at(self, position: int) -> Response | None:
        with self._pull:
            response = self._kept_at(position)
            if response is not None:
                return response
            if self._error is not None:
                raise self._error
            return self._next()

    def _next(self) -> Response | None:
        try:
            response = self.context.run(next, self.source, None)
        except Exception as error:
            self._error = error
            self._finish(OperationState.FAILED)
            raise
        if response is None:
            self._finish(OperationState.SUCCEEDED)
            return None
        if response.last:
            self._finish(OperationState.SUCCEEDED)
        self._keep(response)
        return response

    def _kept_at(self, position: int) -> Response | None:
        with self._lock:
            index = position - self._first
            if index < 0:
                raise SparkSQLException(
                    "INVALID_CURSOR.POSITION_NOT_AVAILABLE", responseId="", index=position
                )
            return self._kept[index] if index < len(self._kept) else None

    def _keep(self, response: Response) -> None:
        with self._lock:
            self._kept.append(response)
            self._kept_bytes += len(response.data)
            limit = RETAINED_BYTES_MAX if self.reattachable else 0
            while len(self._kept) > 1 and self._kept_bytes > limit:
                self._drop_first()

    def _drop_first(self) -> Response:
        response = self._kept.popleft()
        self._kept_bytes -= len(response.data)
        self._first += 1
        self._released_id = response.response_id
        return response

    def _finish(self, state: OperationState) -> None:
        with self._lock:
            if not self.finished:
                self.state = state

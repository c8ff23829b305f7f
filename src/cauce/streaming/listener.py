"""The listener bus of a session: query events, fanned out to every subscriber in order."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cauce.streaming.progress import format_timestamp

__all__ = ["Event", "ListenerBus", "Subscription"]

EventKind = Literal["started", "progress", "idle", "terminated"]

QUEUED_EVENTS_MAX = 10_000
"""A subscriber this far behind loses its oldest events, as Spark's listener bus drops them."""


@dataclass(frozen=True)
class Event:
    """One event; `json_text` is what the client's listener classes parse."""

    kind: EventKind
    json_text: str

    @classmethod
    def started(cls, query_id: str, run_id: str, name: str | None, time_ms: int) -> "Event":
        timestamp = format_timestamp(time_ms)
        return cls._of("started", id=query_id, runId=run_id, name=name, timestamp=timestamp, jobTags=[])

    @classmethod
    def progress(cls, progress_json: str) -> "Event":
        return cls("progress", f'{{"progress":{progress_json}}}')

    @classmethod
    def idle(cls, query_id: str, run_id: str, time_ms: int) -> "Event":
        return cls._of("idle", id=query_id, runId=run_id, timestamp=format_timestamp(time_ms))

    @classmethod
    def terminated(
        cls, query_id: str, run_id: str, exception: str | None, error_class: str | None
    ) -> "Event":
        return cls._of(
            "terminated", id=query_id, runId=run_id, exception=exception, errorClassOnException=error_class
        )

    @classmethod
    def _of(cls, kind: EventKind, **fields: Any) -> "Event":
        return cls(kind, json.dumps(fields, ensure_ascii=False))


class Subscription:
    """One subscriber's queue; iterating ends when it is closed and drained."""

    _END = object()

    def __init__(self) -> None:
        self._queue: queue.Queue[Any] = queue.Queue(QUEUED_EVENTS_MAX)

    def put(self, item: Any) -> None:
        while True:
            try:
                return self._queue.put_nowait(item)
            except queue.Full:
                self._queue.get_nowait()

    def close(self) -> None:
        self.put(self._END)

    def __iter__(self) -> Iterator[Event]:
        while (item := self._queue.get()) is not self._END:
            yield item


class ListenerBus:
    """Events of all queries of one session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []

    def subscribe(self) -> Subscription:
        subscription = Subscription()
        with self._lock:
            self._subscriptions.append(subscription)
        return subscription

    def unsubscribe_all(self) -> None:
        with self._lock:
            subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            subscription.close()

    @property
    def is_empty(self) -> bool:
        return not self._subscriptions

    def post(self, make_event: Callable[[], Event]) -> None:
        """The event is only built when somebody listens, because most queries have no listener."""
        with self._lock:
            if not self._subscriptions:
                return
            event = make_event()
            for subscription in self._subscriptions:
                subscription.put(event)

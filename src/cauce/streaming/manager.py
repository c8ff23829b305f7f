"""The streaming queries of one session: starting, finding and awaiting them."""

import dataclasses
import logging
import tempfile
import threading
import uuid
from collections.abc import Iterable

from pyspark.sql.connect.proto import Relation

from cauce.checkpoint import Checkpoint
from cauce.clock import Clock, SystemClock
from cauce.conf import Conf
from cauce.errors import (
    AnalysisException,
    ConcurrentModificationException,
    IllegalArgumentException,
)
from cauce.files import open_file_system
from cauce.session import Session
from cauce.streaming.continuation import CHECK_ONLY, checked, continuation
from cauce.streaming.dead_letters import DeadLetterOptions
from cauce.streaming.execution import sink_context
from cauce.streaming.listener import ListenerBus
from cauce.streaming.planner import plan_stream
from cauce.streaming.query import QueryDescription, StreamingQuery
from cauce.streaming.sinks import (
    TEMPORARY_CHECKPOINT_SINKS,
    Sink,
    SinkOptions,
    check_output_mode,
    recovers_from_checkpoint,
    sink_class,
)
from cauce.streaming.trigger import Trigger

__all__ = ["StreamingQueryManager", "streams_of"]

TERMINATED_KEPT_MAX = 100
"""Ended queries whose status a client can still ask for."""

log = logging.getLogger("cauce.streaming")

_active_lock = threading.RLock()
_active: dict[str, StreamingQuery] = {}
"""Active queries of this process by id: one checkpoint has one run, whatever session started it."""


def streams_of(session: Session) -> "StreamingQueryManager":
    """The session's manager, made on first use; closing the session stops its queries."""
    if session.streams is None:
        session.streams = StreamingQueryManager(session, SystemClock())
        session.on_close(session.streams.stop_all)
    return session.streams


class StreamingQueryManager:
    """Thread-safe."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.listeners = ListenerBus()
        self._session = session
        self._clock = clock
        self._changed = threading.Condition()
        self._queries: dict[str, StreamingQuery] = {}
        """By run id, in start order: the active ones and the last ended ones."""
        self._last_ended: StreamingQuery | None = None

    def start(self, relation: Relation, sink: SinkOptions, trigger: Trigger) -> StreamingQuery:
        """Plan, check and start; whatever can be refused is refused here."""
        conf = self._session.settings.snapshot()
        self._check_name(sink.query_name)
        plan = plan_stream(relation, self._session, conf, output_mode=sink.output_mode, clock=self._clock)
        sink_class(sink, self._session.data_sources)  # An unknown format is said before a missing checkpoint.
        location, temporary = self._checkpoint_location(sink, conf)
        checkpoint = Checkpoint(*open_file_system(location))
        if not recovers_from_checkpoint(sink) and checkpoint.offsets.latest() is not None:
            raise AnalysisException("_LEGACY_ERROR_TEMP_1299", checkpointPath=f"{location}/offsets")
        dead_letters = DeadLetterOptions.of(sink, conf)
        description = QueryDescription(plan, sink, trigger, conf, temporary, dead_letters)
        if description.portability:
            notes = "; ".join(description.portability)
            log.info("Query %s on Apache Spark 4.2: %s", sink.query_name or location, notes)
        if conf.get(CHECK_ONLY):
            return self._compare(description, checkpoint)
        return self._start_exclusively(description, checkpoint, self._open_sink(description, checkpoint))

    def _compare(self, description: QueryDescription, checkpoint: Checkpoint) -> StreamingQuery:
        """`cauce checkpoint check`: note what a start would find; the program gets a query that has ended."""
        if checkpoint.path == open_file_system(description.conf.get(CHECK_ONLY))[1]:
            checked.extend(continuation(description.plan, checkpoint, description.conf))
        nowhere = Checkpoint(*open_file_system(tempfile.mkdtemp(prefix="temporary-")))
        sink = dataclasses.replace(description.sink, format="noop", output_mode="append")
        ended = dataclasses.replace(description, sink=sink, temporary_checkpoint=True)
        query = self._query(ended, nowhere, self._open_sink(ended, nowhere))
        with self._changed:
            self._queries[query.run_id] = query
        query.skip()
        return query

    def _query(self, description: QueryDescription, checkpoint: Checkpoint, sink: Sink) -> StreamingQuery:
        return StreamingQuery(
            description,
            checkpoint,
            sink,
            session=self._session,
            clock=self._clock,
            listeners=self.listeners,
            on_end=self._ended,
        )

    def _open_sink(self, description: QueryDescription, checkpoint: Checkpoint) -> Sink:
        context = sink_context(
            description.plan, checkpoint, session=self._session, clock=self._clock, conf=description.conf
        )
        kind = sink_class(description.sink, context.data_sources)
        check_output_mode(description.sink, kind)
        return kind(description.sink, context)

    @property
    def active(self) -> list[StreamingQuery]:
        with self._changed:
            return [query for query in self._queries.values() if query.is_active]

    def get(self, query_id: str, run_id: str | None = None) -> StreamingQuery | None:
        """The query of that id; with a run id also one that has ended, otherwise only an active one."""
        with self._changed:
            if run_id is not None:
                return self._queries.get(run_id)
        return next((query for query in self.active if query.id == query_id), None)

    def await_any_termination(self, timeout_ms: int | None = None) -> bool:
        """Whether any query ended since the last reset; raises what ended it, if anything did."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._last_ended is not None, None if timeout_ms is None else timeout_ms / 1000
            )
            ended = self._last_ended
        if ended is not None and ended.exception is not None:
            raise ended.exception
        return ended is not None

    def reset_terminated(self) -> None:
        with self._changed:
            self._last_ended = None

    def stop_all(self) -> None:
        """Stop every active query of the session, then its listeners."""
        for query in self.active:
            query.stop()
        self.listeners.unsubscribe_all()

    def _start_exclusively(
        self, description: QueryDescription, checkpoint: Checkpoint, sink: Sink
    ) -> StreamingQuery:
        with _active_lock:
            self._stop_other_run(checkpoint, description.conf)
            checkpoint.acquire()
            try:
                query = self._query(description, checkpoint, sink)
            except BaseException:
                checkpoint.release()
                raise
            _active[query.id] = query
        with self._changed:
            self._queries[query.run_id] = query
            self._forget(q for q in list(self._queries.values())[:-TERMINATED_KEPT_MAX] if not q.is_active)
        query.start()
        return query

    def _stop_other_run(self, checkpoint: Checkpoint, conf: Conf) -> None:
        """A restart of an active query stops the old run, unless the user turned that off."""
        other = _active.get(checkpoint.metadata.read() or "")
        if other is None or other.checkpoint.path != checkpoint.path:
            return
        if not conf.flag("spark.sql.streaming.stopActiveRunOnRestart"):
            raise ConcurrentModificationException(
                "CONCURRENT_QUERY",
                id=other.id,
                runId=other.run_id,
            )
        other.stop()

    def _checkpoint_location(self, sink: SinkOptions, conf: Conf) -> tuple[str, bool]:
        location = sink.get("checkpointLocation")
        if location:
            return location, False
        base = conf.get("spark.sql.streaming.checkpointLocation")
        if base:
            return f"{base.rstrip('/')}/{sink.query_name or uuid.uuid4()}", False
        if sink.format in TEMPORARY_CHECKPOINT_SINKS:
            return tempfile.mkdtemp(prefix="temporary-"), True
        raise AnalysisException("_LEGACY_ERROR_TEMP_1298", config="spark.sql.streaming.checkpointLocation")

    def _check_name(self, name: str | None) -> None:
        if name and any(query.name == name for query in self.active):
            reason = "as a query with that name is already active in this SparkSession"
            raise IllegalArgumentException(None, f"Cannot start query with name {name} {reason}")

    def _ended(self, query: StreamingQuery) -> None:
        with _active_lock:
            if _active.get(query.id) is query:
                del _active[query.id]
        with self._changed:
            if self._last_ended is None or query.exception is not None:
                self._last_ended = query
            self._changed.notify_all()

    def _forget(self, queries: Iterable[StreamingQuery]) -> None:
        for query in list(queries):
            del self._queries[query.run_id]

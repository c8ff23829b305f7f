"""A streaming query: a thread that runs micro-batches until it is stopped, done or broken."""

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cauce.checkpoint import Checkpoint
from cauce.clock import Clock
from cauce.conf import Conf
from cauce.errors import (
    ConcurrentModificationException,
    IllegalStateException,
    SparkError,
    StreamingQueryException,
    TimeoutException,
)
from cauce.files import use_settings
from cauce.session import Session
from cauce.streaming.dead_letters import DeadLetterOptions
from cauce.streaming.execution import Execution, open_execution
from cauce.streaming.listener import Event, ListenerBus
from cauce.streaming.micro_batch import MicroBatches
from cauce.streaming.planner import StreamingPlan
from cauce.streaming.planner.describe import describe_tree
from cauce.streaming.progress import BatchProgress
from cauce.streaming.sinks import Sink, SinkOptions, WorksWhenIdle
from cauce.streaming.trigger import Trigger

__all__ = ["QueryDescription", "QueryStatus", "StreamingQuery"]

log = logging.getLogger("cauce.streaming")


IDLE_MS_MIN = 1000
"""Less than this before the next trigger is no time for anything else."""


@dataclass(frozen=True)
class QueryDescription:
    """What `writeStream...start()` asked for, planned."""

    plan: StreamingPlan
    sink: SinkOptions
    trigger: Trigger
    conf: Conf
    temporary_checkpoint: bool
    """The checkpoint was made up and goes when the query stops."""
    dead_letters: DeadLetterOptions | None = None
    """Where rows go that would fail the query."""

    @property
    def name(self) -> str | None:
        return self.sink.query_name

    @property
    def portability(self) -> tuple[str, ...]:
        """What Spark would refuse or do otherwise."""
        asked = self.trigger.asked_for
        served = f"the {asked} trigger is served as micro-batches, as soon as there is data"
        aside = "a row that cannot be processed fails the query, and does not go to the dead letters"
        noted = [note for note, applies in ((served, asked), (aside, self.dead_letters)) if applies]
        return (*self.plan.portability, *noted)


@dataclass(frozen=True)
class QueryStatus:
    """What the query is doing right now, in Spark's words."""

    message: str
    is_data_available: bool
    is_trigger_active: bool


class StreamingQuery:
    """One run. Public methods are safe from any thread; the batches run on the query's own."""

    def __init__(
        self,
        description: QueryDescription,
        checkpoint: Checkpoint,
        sink: Sink,
        *,
        session: Session,
        clock: Clock,
        listeners: ListenerBus,
        on_end: Callable[["StreamingQuery"], None],
    ) -> None:
        self.description = description
        self.checkpoint = checkpoint
        self.id = checkpoint.metadata.read_or_create()
        self.run_id = str(uuid.uuid4())
        self.started_ms = clock.now_ms()
        self.exception: StreamingQueryException | None = None
        self.status = QueryStatus("Initializing sources", False, False)
        self._sink = sink
        self._session = session
        self._clock = clock
        self._listeners = listeners
        self._end_hooks: list[Callable[[], None]] = [lambda: on_end(self)]
        self._stopping = threading.Event()
        self._lost: ConcurrentModificationException | None = None
        """Set when another run has taken the checkpoint over."""
        self._ended = threading.Event()
        self._changed = threading.Condition()
        self._questions = self._answered = 0
        self._progress: deque[BatchProgress] = deque(
            maxlen=description.conf.number("spark.sql.streaming.numRecentProgressUpdates")
        )
        self._previous_started_ms: int | None = None
        self._last_report_ms: int | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"stream execution thread for {self.pretty_id}", daemon=True
        )

    # -- what users ask ----------------------------------------------------------------------------

    @property
    def name(self) -> str | None:
        return self.description.name

    @property
    def pretty_id(self) -> str:
        name = f"{self.name} " if self.name else ""
        return f"{name}[id = {self.id}, runId = {self.run_id}]"

    @property
    def is_active(self) -> bool:
        return not self._ended.is_set()

    def start(self) -> None:
        self._thread.start()
        if self.checkpoint.renewal_s is not None:
            threading.Thread(target=self._keep_checkpoint, name=f"owner of {self.id}", daemon=True).start()

    def on_end(self, hook: Callable[[], None]) -> None:
        """`hook` runs once when the query has ended; at once if it has."""
        with self._changed:
            if not self._ended.is_set():
                self._end_hooks.append(hook)
                return
        hook()

    def skip(self) -> None:
        """End instead of starting."""
        self._close(None)

    def stop(self) -> None:
        """End after the batch under way; waits up to spark.sql.streaming.stopTimeout (0: for ever)."""
        self._stopping.set()
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return
        timeout_ms = self.description.conf.number("spark.sql.streaming.stopTimeout")
        self._thread.join(timeout_ms / 1000 if timeout_ms > 0 else None)
        if self._thread.is_alive():
            raise TimeoutException(
                None,
                f"Stream Execution thread for stream {self.pretty_id} failed to stop within {timeout_ms} "
                "milliseconds (specified by spark.sql.streaming.stopTimeout).",
            )

    def await_termination(self, timeout_ms: int | None = None) -> bool:
        """Whether the query has ended; raises what ended it."""
        ended = self._ended.wait(None if timeout_ms is None else timeout_ms / 1000)
        if self.exception is not None:
            raise self.exception
        return ended

    def process_all_available(self) -> None:
        """Wait until a trigger that starts after this call finds nothing to do."""
        with self._changed:
            self._questions += 1
            question = self._questions
            while self._answered < question and not self._ended.is_set():
                self._changed.wait()
        if self.exception is not None:
            raise self.exception
        if self._answered < question and self._stopping.is_set():
            raise IllegalStateException(None, f"Query {self.pretty_id} was stopped while data was awaited.")

    @property
    def recent_progress(self) -> list[str]:
        with self._changed:
            return [progress.json_text() for progress in self._progress]

    @property
    def last_progress(self) -> str | None:
        with self._changed:
            return self._progress[-1].json_text() if self._progress else None

    def explain(self, *, extended: bool) -> str:
        """The plan in cauce's terms: sources, fragments, operators."""
        text = describe_tree(self.description.plan.root, extended=extended)
        notes = self.description.portability if extended else ()
        return "\n".join([text, *(["", "On Apache Spark 4.2:"] if notes else []), *(f"- {n}" for n in notes)])

    # -- the query's own thread --------------------------------------------------------------------

    def _run(self) -> None:
        execution = None
        use_settings(lambda: self.description.conf.values)
        try:
            execution = open_execution(
                self.description.plan,
                self.checkpoint,
                session=self._session,
                clock=self._clock,
                conf=self.description.conf,
                sink=self._sink,
                output_mode=self.description.sink.output_mode.lower(),
                dead_letters=self.description.dead_letters,
            )
            self._run_batches(execution)
        except BaseException as error:  # whatever ends a query is what its user gets, sys.exit() too
            self._fail(error)
        finally:
            self._close(execution)

    def _run_batches(self, execution: Execution) -> None:
        trigger = self.description.trigger
        if trigger.available_now:
            for source in execution.sources:
                source.prepare_for_trigger_available_now()
        batches = MicroBatches(execution, read_everything=trigger.once)
        batches.restore()
        while not self._stopping.is_set():
            ran = self._trigger(batches)
            if isinstance(execution.sink, WorksWhenIdle) and (not ran or self._has_time_left()):
                execution.sink.work_when_idle()
            if trigger.once or (trigger.available_now and not ran):
                return
            self._wait(ran)
        if self._lost is not None:
            raise self._lost

    def _keep_checkpoint(self) -> None:
        """On a thread of its own, because a batch may take longer than ownership lasts."""
        while not self._ended.wait(self.checkpoint.renewal_s):
            try:
                self.checkpoint.renew()
            except ConcurrentModificationException as error:
                self._lost = error
                self._stopping.set()
                return
            except SparkError as error:
                # Whoever takes over meanwhile shows at the next renewal, or when a log file is there already.
                log.warning("Query %s could not renew its ownership: %s", self.pretty_id, error)

    def _trigger(self, batches: MicroBatches) -> bool:
        """One trigger: a batch if there is one to run."""
        with self._changed:
            question = self._questions
        progress = BatchProgress(
            query_id=self.id,
            run_id=self.run_id,
            name=self.name,
            batch_id=batches.batch_id,
            started_ms=self._clock.now_ms(),
            previous_started_ms=self._previous_started_ms,
        )
        self.status = QueryStatus("Processing new data", True, True)
        with progress.timed("triggerExecution"):
            ran = batches.run_next(progress)
        progress.finished_ms = max(self._clock.now_ms(), progress.started_ms)
        self._previous_started_ms = progress.started_ms
        if ran:
            self._report(progress)
        else:
            self._answer(question)
            self._report_idle(batches, progress)
        return ran

    def _has_time_left(self) -> bool:
        """Whether the next trigger is far enough away for a piece of work."""
        if not self.description.trigger.interval_ms:
            return False
        now_ms = self._clock.now_ms()
        return self.description.trigger.next_start_ms(now_ms) - now_ms >= IDLE_MS_MIN

    def _wait(self, ran: bool) -> None:
        interval_ms = self.description.trigger.interval_ms
        if interval_ms:
            self.status = QueryStatus("Waiting for next trigger", ran, False)
            now_ms = self._clock.now_ms()
            self._clock.wait(self._stopping, self.description.trigger.next_start_ms(now_ms) - now_ms)
        elif not ran:
            self.status = QueryStatus("Waiting for data to arrive", False, False)
            self._stopping.wait(self.description.conf.number("spark.sql.streaming.pollingDelay") / 1000)

    def _report(self, progress: BatchProgress) -> None:
        with self._changed:
            self._progress.append(progress)
        self._last_report_ms = self._clock.now_ms()
        self._listeners.post(lambda: Event.progress(progress.json_text()))

    def _answer(self, question: int) -> None:
        with self._changed:
            self._answered = question
            self._changed.notify_all()

    def _report_idle(self, batches: MicroBatches, progress: BatchProgress) -> None:
        """As Spark: a query that never ran a batch says so once, then all of them now and again."""
        now_ms, last_ms = self._clock.now_ms(), self._last_report_ms
        interval_ms = self.description.conf.number("spark.sql.streaming.noDataProgressEventInterval")
        if last_ms is not None and now_ms - last_ms < interval_ms:
            return
        self._last_report_ms = now_ms
        batches.describe_idle(progress)
        with self._changed:
            self._progress.append(progress)
        if last_ms is not None:
            self._listeners.post(lambda: Event.idle(self.id, self.run_id, progress.started_ms))

    def _fail(self, error: BaseException) -> None:
        self.exception = StreamingQueryException(
            "STREAM_FAILED", id=self.id, runId=self.run_id, message=error_text(error)
        )
        self.exception.__cause__ = error
        self.status = QueryStatus(f"Terminated with exception: {error_text(error)}", False, False)

    def _close(self, execution: Execution | None) -> None:
        try:
            if execution is not None:
                execution.close()
        finally:
            self.checkpoint.release()
            if self.exception is None:
                self.status = QueryStatus("Stopped", False, False)
                if self.description.temporary_checkpoint:
                    self.checkpoint.file_system.delete_tree(self.checkpoint.path)
            self._end()

    def _end(self) -> None:
        with self._changed:
            self._ended.set()
            self._changed.notify_all()
        for hook in self._end_hooks:
            hook()
        condition = getattr(self.exception and self.exception.__cause__, "condition", None)
        message = None if self.exception is None else str(self.exception)
        self._listeners.post(lambda: Event.terminated(self.id, self.run_id, message, condition))


def error_text(error: BaseException) -> str:
    """The message Spark would put after "terminated with exception:"."""
    if isinstance(error, SparkError):
        return str(error)
    return f"{type(error).__name__}: {error}"

"""One run of a streaming query in the caller's thread: batches run when a test asks for them.

The parts are those of a query that `start()` starts - planner, sources, state, sink, checkpoint - without
its thread, so a test needs no waiting, a breakpoint stops where the test is, and a simulated crash of the
process is an exception in the test.
"""

import contextlib
from typing import Any

from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.streaming.readwriter import DataStreamWriter
from pyspark.sql.types import StructType

from cauce.checkpoint import Checkpoint
from cauce.clock import Clock
from cauce.conf import Conf
from cauce.connect.static_parts import prepare_static_parts
from cauce.connect.streaming import sink_options, trigger_of
from cauce.errors import StreamingQueryException
from cauce.files import Disk, LocalFileSystem
from cauce.server import server_session
from cauce.streaming.dead_letters import DeadLetterOptions
from cauce.streaming.execution import Execution, open_execution, sink_context
from cauce.streaming.micro_batch import MicroBatches
from cauce.streaming.planner import StreamingPlan, plan_stream
from cauce.streaming.progress import BatchProgress
from cauce.streaming.query import error_text
from cauce.streaming.sinks import SinkOptions, check_output_mode, sink_class
from cauce.testing.answer import Answer, AnswerSink, KillableSink
from cauce.testing.client_errors import client_error

__all__ = ["QueryRun", "writer_of"]

NO_SINK = "answer"
"""The format of a writer that a test made for a DataFrame: rows go to the `Answer` only."""


class QueryRun:
    """Open until `close`. Errors are those of the client; a SimulatedCrash passes through."""

    def __init__(
        self, writer: DataStreamWriter, checkpoint_path: str, *, clock: Clock, disk: Disk, answer: Answer
    ) -> None:
        """What `start()` would refuse is refused here, with the same error."""
        self._session = server_session(writer._session)
        self._clock = clock
        self._checkpoint = Checkpoint(LocalFileSystem(disk), checkpoint_path)
        self._lease = contextlib.ExitStack()
        self.progress: list[dict[str, Any]] = []
        """Progress of every batch of this run, as JSON values."""
        try:
            self._open(writer, answer)
        except BaseException as error:
            self._lease.close()
            if not isinstance(error, Exception):
                raise
            raise client_error(error, self._session) from error

    def _open(self, writer: DataStreamWriter, answer: Answer) -> None:
        message = writer._write_stream.command(writer._session.client).write_stream_operation_start
        prepare_static_parts(message.input, self._session, self._lease)
        options, trigger = sink_options(message), trigger_of(message)
        conf = self._session.settings.snapshot()
        plan = plan_stream(
            message.input, self._session, conf, output_mode=options.output_mode, clock=self._clock
        )
        self.output_mode = options.output_mode.lower()
        kind = AnswerSink if options.format == NO_SINK else sink_class(options, self._session.data_sources)
        check_output_mode(options, kind)
        self._checkpoint.acquire()
        try:
            self.execution = self._execution(plan, conf, kind, options)
            self.sink = KillableSink(self.execution.sink, answer)
            self.execution.sink = self.sink
            self.batches = MicroBatches(self.execution, read_everything=trigger.once)
            self.batches.restore()
        except BaseException:
            self._checkpoint.release()
            raise

    def _execution(self, plan: StreamingPlan, conf: Conf, kind: Any, options: SinkOptions) -> Execution:
        context = sink_context(plan, self._checkpoint, session=self._session, clock=self._clock, conf=conf)
        return open_execution(
            plan,
            self._checkpoint,
            session=self._session,
            clock=self._clock,
            conf=conf,
            sink=kind(options, context),
            output_mode=self.output_mode,
            dead_letters=DeadLetterOptions.of(options, conf),
        )

    @property
    def schema(self) -> StructType:
        """The columns of the answer."""
        return self.execution.plan.root.schema

    @property
    def watermark_ms(self) -> int:
        """The watermark that the next batch will have."""
        return self.execution.tracker.watermark_ms

    def process_all_available(self) -> None:
        """Run batches until there is nothing to do, those without data included."""
        try:
            while self._run_batch():
                pass
        except Exception as error:
            failure = StreamingQueryException(
                "STREAM_FAILED", id=self._query_id, runId=self._query_id, message=error_text(error)
            )
            failure.__cause__ = error
            raise client_error(failure, self._session) from error

    def close(self) -> None:
        """Let go of memory, files and the checkpoint, as the end of a process does."""
        try:
            self.execution.close()
        finally:
            self._lease.close()
            self._checkpoint.release()

    @property
    def _query_id(self) -> str:
        return self._checkpoint.metadata.read() or ""

    def _run_batch(self) -> bool:
        started_ms = self._clock.now_ms()
        progress = BatchProgress(self._query_id, "", None, self.batches.batch_id, started_ms, None)
        ran = self.batches.run_next(progress)
        if ran:
            progress.finished_ms = self._clock.now_ms()
            self.progress.append(progress.json_value())
        return ran


def writer_of(query: DataFrame | DataStreamWriter, output_mode: str) -> DataStreamWriter:
    """The query itself, or a DataFrame on its way to no sink but the `Answer`."""
    if isinstance(query, DataFrame):
        return query.writeStream.format(NO_SINK).outputMode(output_mode)
    return query

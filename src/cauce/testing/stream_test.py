"""A test of a streaming query, with the verbs of Spark's own StreamTest."""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.connect.streaming.readwriter import DataStreamWriter
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.clock import ManualClock
from cauce.plan.intervals import parse_interval_us
from cauce.server import server_session
from cauce.streaming.progress import format_timestamp
from cauce.testing.answer import Answer
from cauce.testing.client_errors import conditions
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash
from cauce.testing.memory_stream import MemoryStream
from cauce.testing.query_run import QueryRun, writer_of
from cauce.testing.rows import difference, moment, rows_of, to_arrow
from cauce.testing.session import local_session
from cauce.testing.steps import STEPS

__all__ = ["StreamTest"]


class StreamTest:
    """One query under test, its checkpoint, its clock and its answer, through any number of restarts.

        events = stream_test.memory_stream("word STRING")
        stream_test.start_stream(counts(events.to_df()), output_mode="update")
        events.add_data("a", "b", "a")
        stream_test.check_answer(("a", 2), ("b", 1))

    A check first runs every batch there is to run, in the test's own thread: nothing waits, and time moves
    only by `advance_clock`. Triggers are not waited for. Fsyncs are simulated (`crash` can lose power).
    """

    def __init__(self, spark: SparkSession | None = None, folder: str | Path | None = None) -> None:
        """`folder` holds the checkpoint; without one it is temporary and goes with `close`."""
        self.spark = spark or local_session()
        self._made_session = spark is None
        self._temporary = None if folder else tempfile.mkdtemp(prefix="stream-test-")
        self.checkpoint = str(Path(folder or self._temporary or "", "checkpoint"))
        self.clock = ManualClock()
        self._time_zone = server_session(self.spark).engine.time_zone
        self._streams: list[MemoryStream] = []
        self._writer: DataStreamWriter | None = None
        self._disk = FaultyDisk()
        self._answer = Answer()
        self._run: QueryRun | None = None
        self._checked_batch_id = -1
        self._progress: list[dict[str, Any]] = []
        self._checked_progress = 0

    # -- the query -----------------------------------------------------------------------------------

    def memory_stream(self, schema: str | StructType) -> MemoryStream:
        """A stream for the query to read; see MemoryStream."""
        self._streams.append(MemoryStream(self.spark, schema))
        return self._streams[-1]

    def start_stream(
        self, query: DataFrame | DataStreamWriter | None = None, *, output_mode: str = "append"
    ) -> None:
        """Start a query, or without one restart the last from its checkpoint, as a new process would.

        A DataFrame's answer is kept here only; a DataStreamWriter's rows also go to its sink.
        """
        if self._run is not None:
            raise AssertionError("the stream is running: stop_stream() first")
        writer = self._writer if query is None else writer_of(query, output_mode)
        if writer is None:
            raise AssertionError("which query? start_stream(df) starts one")
        self._disk = FaultyDisk()
        self._run = QueryRun(writer, self.checkpoint, clock=self.clock, disk=self._disk, answer=self._answer)
        self._writer = writer

    def stop_stream(self) -> None:
        """End the run in an orderly way; what was added and not yet processed waits for the next one."""
        run = self._running()
        self._run = None
        run.close()

    def crash(self, at: str, *, power_loss: bool = False) -> None:
        """Process what is available and die at a step (see STEPS); `start_stream()` restarts.

        With `power_loss` everything not synced by then is lost too.
        """
        run, step = self._running(), STEPS[at]
        if step.at_sink:
            run.sink.dies = step.fault
        else:
            self._disk.arm(only=step.folder, kind=step.kind, **{step.fault: 0})
        try:
            run.process_all_available()
        except SimulatedCrash:
            self._take_progress(run)
        else:
            raise AssertionError(f"no batch came to the step '{at}': add data first")
        self.stop_stream()
        if power_loss:
            self._disk.lose_power()

    # -- time and data -------------------------------------------------------------------------------

    def add_data(self, stream: MemoryStream, *rows: Any) -> None:
        """The same as `stream.add_data(...)`."""
        stream.add_data(*rows)

    def advance_clock(self, duration: str) -> None:
        """Let time pass ("10 seconds"), for current_timestamp(), processing-time timeouts and timers."""
        self.clock.advance_ms(parse_interval_us(duration) // 1000)

    def advance_watermark(self, to: Any) -> None:
        """Raise the watermark as if rows had come that late, and run the batches this asks for."""
        run = self._running()
        run.execution.tracker.restore(int(moment(to, self._time_zone).timestamp() * 1000))
        run.batches.allow_batch_without_data()
        self.process_all_available()

    def process_all_available(self) -> None:
        """Run every batch there is to run; an error is the client's StreamingQueryException."""
        run = self._running()
        try:
            run.process_all_available()
        except Exception:
            self.stop_stream()
            raise
        finally:
            self._take_progress(run)

    # -- checks --------------------------------------------------------------------------------------

    def check_answer(self, *rows: Any) -> None:
        """All rows so far are these, in any order (in complete mode: those of the last batch)."""
        self._check("the whole answer", rows, after=-1)

    def check_new_answer(self, *rows: Any) -> None:
        """The rows since the last check of an answer are these."""
        self._check("the rows since the last check", rows, after=self._checked_batch_id)

    def check_last_batch(self, *rows: Any) -> None:
        """The rows of the last batch are these; that may be one without data, which came after yours."""
        self.process_all_available()
        self._check("the last batch", rows, after=self._answer.last_batch_id() - 1)

    def check_state_rows(
        self, total: int, *, updated: int | None = None, dropped: int | None = None, operator: int = 0
    ) -> None:
        """numRowsTotal of an operator; numRowsUpdated and numRowsDroppedByWatermark since the last check.

        Operators are numbered from 0, from the sink towards the sources.
        """
        self.process_all_available()
        entries = [
            progress["stateOperators"][operator] for progress in self._progress[self._checked_progress :]
        ]
        self._checked_progress = len(self._progress)
        run = self._running()
        seen = {
            "total": sum(store.num_rows for store in run.execution.stores[operator].values()),
            "updated": sum(entry["numRowsUpdated"] for entry in entries),
            "dropped": sum(entry["numRowsDroppedByWatermark"] for entry in entries),
        }
        wanted = {"total": total, "updated": updated, "dropped": dropped}
        asked = {name: value for name, value in wanted.items() if value is not None}
        if asked != {name: seen[name] for name in asked}:
            raise AssertionError(f"state rows of operator {operator}: expected {asked}, found {seen}")

    def check_state(self, *rows: Any, operator: int = 0, **options: Any) -> None:
        """An operator remembers these (key, value) pairs, each a tuple or dict of columns; see `state`."""
        state = self.state(operator=operator, **options).select("key", "value")
        expected = to_arrow(rows_of(rows), state.schema, self._time_zone)
        lines = difference(expected, state.toArrow(), self._time_zone)
        if lines:
            what = f"the state of operator {operator} is not what was expected:"
            raise AssertionError("\n".join([what, *lines]))

    def check_watermark(self, at: Any) -> None:
        """The watermark for the next batch: ISO text, a datetime or milliseconds."""
        self.process_all_available()
        expected_ms = int(moment(at, self._time_zone).timestamp() * 1000)
        actual_ms = self._running().watermark_ms
        if actual_ms != expected_ms:
            expected, actual = format_timestamp(expected_ms), format_timestamp(actual_ms)
            raise AssertionError(f"watermark: expected {expected}, found {actual}")

    def expect_failure(self, condition: str = "") -> Exception:
        """Processing what is available fails; `condition` names the error or one of its causes."""
        self._running()
        try:
            self.process_all_available()
        except Exception as error:
            names = conditions(error)
            if condition and not any(name == condition or name.startswith(condition + ".") for name in names):
                raise AssertionError(f"expected {condition}, found {' caused by '.join(names)}") from error
            return error
        raise AssertionError(
            f"expected the query to fail{f' with {condition}' if condition else ''}; it did not"
        )

    # -- what there is -------------------------------------------------------------------------------

    @property
    def answer(self) -> pa.Table:
        """All rows so far, after running every batch there is to run."""
        self.process_all_available()
        return self._rows(after=-1)

    @property
    def last_progress(self) -> dict[str, Any]:
        """Progress of the last batch, as `StreamingQuery.lastProgress` shows it."""
        self.process_all_available()
        return self._progress[-1]

    def state(self, *, operator: int = 0, **options: Any) -> DataFrame:
        """What an operator remembers, as `spark.read.format("statestore")` has it: key, value, partition_id.

        `options` are the reader's, for example joinSide="left".
        """
        self.process_all_available()
        reader = self.spark.read.format("statestore").option("operatorId", operator)
        return reader.options(**options).load(self.checkpoint)

    def close(self) -> None:
        """Stop the query, forget the streams."""
        if self._run is not None:
            self.stop_stream()
        for stream in self._streams:
            stream.close()
        if self._temporary:
            shutil.rmtree(self._temporary)
        if self._made_session:
            self.spark.stop()

    def __enter__(self) -> "StreamTest":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> QueryRun:
        if self._run is None:
            raise AssertionError("no stream is running: start_stream() starts it")
        return self._run

    def _take_progress(self, run: QueryRun) -> None:
        self._progress += run.progress
        run.progress.clear()

    def _rows(self, *, after: int) -> pa.Table:
        run = self._running()
        schema = to_arrow_schema(run.schema, timezone="UTC")
        return self._answer.rows(schema, after=after, complete=run.output_mode == "complete")

    def _check(self, what: str, rows: tuple[Any, ...], *, after: int) -> None:
        self.process_all_available()
        actual = self._rows(after=after)
        expected = to_arrow(rows_of(rows), self._running().schema, self._time_zone)
        self._checked_batch_id = self._answer.last_batch_id()
        lines = difference(expected, actual, self._time_zone)
        if lines:
            watermark = format_timestamp(self._running().watermark_ms)
            batches = f"after batch {self._checked_batch_id}, watermark {watermark}"
            raise AssertionError("\n".join([f"{what} is not what was expected ({batches}):", *lines]))

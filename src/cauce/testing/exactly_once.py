"""Exactly-once as an assertion: the whole query without a crash, then once for every moment it can die."""

import itertools
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.connect.streaming.readwriter import DataStreamWriter
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.clock import ManualClock
from cauce.server import server_session
from cauce.testing.answer import Answer
from cauce.testing.crash_points import CrashPoint, crash_points, every_operation
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash
from cauce.testing.memory_stream import MemoryStream
from cauce.testing.query_run import QueryRun, writer_of
from cauce.testing.rows import difference
from cauce.testing.session import local_session

__all__ = ["ExactlyOnceReport", "Inputs", "assert_exactly_once"]

POINTS = {"step": crash_points, "operation": every_operation}
FAILURES_SHOWN_MAX = 5
MS_BETWEEN_BATCHES = 1000


@dataclass(frozen=True)
class Inputs:
    """What one stream gets: rows for each batch, in the forms that `MemoryStream.add_data` takes."""

    schema: str | StructType
    batches: Sequence[Any]


@dataclass(frozen=True)
class ExactlyOnceReport:
    """What was tried, for who wants to look."""

    crash_points: tuple[str, ...]
    rows: int
    seconds: float


Query = Callable[..., DataFrame | DataStreamWriter]


def assert_exactly_once(
    query: Query,
    *inputs: Inputs,
    answer: Callable[[Path], Any] | None = None,
    output_mode: str = "append",
    every: str = "step",
    spark: SparkSession | None = None,
) -> ExactlyOnceReport:
    """Killed anywhere and restarted, the query's sink must end up with the rows of an undisturbed run.

    `query(*streams)` gets one streaming DataFrame per `Inputs` and returns a DataFrame, whose rows go to an
    idempotent sink, or a DataStreamWriter without path and checkpoint for a file sink. A query with a sink
    of its own (foreachBatch, foreach, a table) also needs `answer`: then it is called as
    `query(*streams, folder)`, writes below that folder, and `answer(folder)` gives the rows that are there.

    The process dies right before and halfway through every file of every batch, and right after it with a
    power loss (`every="operation"`: at every operation of the disk, with and without). AssertionError names
    the crash points and the rows that differ. The query must be deterministic.
    """
    if not inputs:
        raise ValueError("which rows? assert_exactly_once(query, Inputs(schema, [batch, batch, ...]))")
    began = time.perf_counter()
    session = spark or local_session()
    check = _Check(query, inputs, answer, output_mode, session)
    try:
        expected, disk, checkpoint = check.undisturbed()
        points = POINTS[every](disk.operations, checkpoint)
        failures = [text for point in points if (text := check.disturbed(point, expected))]
    finally:
        if spark is None:
            session.stop()
    if failures:
        shown = "\n\n".join(failures[:FAILURES_SHOWN_MAX])
        more = len(failures) - FAILURES_SHOWN_MAX
        rest = f"\n\nand {more} more crash points" if more > 0 else ""
        raise AssertionError(f"not exactly once in {len(failures)} of {len(points)} crashes\n\n{shown}{rest}")
    return ExactlyOnceReport(tuple(map(str, points)), expected.num_rows, time.perf_counter() - began)


@dataclass
class _Check:
    """One query, run over and over in folders of its own."""

    query: Query
    inputs: Sequence[Inputs]
    read: Callable[[Path], Any] | None
    output_mode: str
    spark: SparkSession
    time_zone: str = field(init=False)

    def __post_init__(self) -> None:
        self.time_zone = server_session(self.spark).engine.time_zone

    def undisturbed(self) -> tuple[pa.Table, FaultyDisk, str]:
        """The answer to compare with, and the operations of the disk it took."""
        disk = FaultyDisk()
        with _Life(self, disk) as life:
            return life.run(), disk, life.checkpoint

    def disturbed(self, point: CrashPoint, expected: pa.Table) -> str | None:
        """What is wrong after dying at this point, as text."""
        disk = FaultyDisk(**point.fault)
        with _Life(self, disk, power_loss=point.power_loss) as life:
            try:
                actual = life.run()
            except Exception as error:
                return f"killed {point}: the restarted query failed with\n    {type(error).__name__}: {error}"
        lines = difference(expected, actual, self.time_zone)
        return "\n    ".join([f"killed {point}:", *lines]) if lines else None


class _Life:
    """One run of the query over all inputs, with at most one death and a restart."""

    def __init__(self, check: _Check, disk: FaultyDisk, *, power_loss: bool = False) -> None:
        self._check, self._disk, self._power_loss = check, disk, power_loss
        self._folder = Path(tempfile.mkdtemp(prefix="exactly-once-"))
        self.checkpoint = str(self._folder / "checkpoint")
        self._clock, self._answer = ManualClock(), Answer()
        self._streams = [MemoryStream(check.spark, given.schema) for given in check.inputs]
        self._writer = self._build()
        self._query: QueryRun | None = None

    def __enter__(self) -> "_Life":
        return self

    def __exit__(self, *_: object) -> None:
        self._die()
        for stream in self._streams:
            stream.close()
        shutil.rmtree(self._folder)

    def run(self) -> pa.Table:
        """Everything added and processed, batch by batch; the sink's final content."""
        for rows in itertools.zip_longest(*(given.batches for given in self._check.inputs)):
            for stream, added in zip(self._streams, rows, strict=True):
                if added is not None:
                    stream.add_data(added)
            self._clock.advance_ms(MS_BETWEEN_BATCHES)
            self._process()
        return self._content()

    def _process(self) -> None:
        try:
            self._process_or_die()
        except SimulatedCrash:
            self._die()
            if self._power_loss:
                self._disk.lose_power()
            self._disk = FaultyDisk()
            self._process_or_die()

    def _process_or_die(self) -> None:
        if self._query is None:
            self._query = QueryRun(
                self._writer, self.checkpoint, clock=self._clock, disk=self._disk, answer=self._answer
            )
            # The undisturbed run has such a batch here too, and batches decide which rows are late.
            self._query.batches.allow_batch_without_data()
        self._query.process_all_available()

    def _die(self) -> None:
        query, self._query = self._query, None
        if query is not None:
            query.close()

    def _build(self) -> DataStreamWriter:
        streams = [stream.to_df() for stream in self._streams]
        if self._check.read is not None:
            return writer_of(self._check.query(*streams, self._folder), self._check.output_mode)
        built = self._check.query(*streams)
        writer = writer_of(built, self._check.output_mode)
        if isinstance(built, DataStreamWriter):
            message = writer._write_proto
            if message.HasField("foreach_batch") or message.HasField("foreach_writer") or message.table_name:
                raise ValueError("answer= must say how to read what this query's own sink has written")
            message.path = str(self._folder / "out")
        return writer

    def _content(self) -> pa.Table:
        assert self._query is not None, "a run that was given no batch has no answer"
        if self._check.read is not None:
            return _table(self._check.read(self._folder))
        message = self._writer._write_proto
        if message.path:
            reader = self._check.spark.read.schema(self._query.schema)
            return reader.format(message.format or "parquet").load(message.path).toArrow()
        complete = self._query.output_mode == "complete"
        schema = to_arrow_schema(self._query.schema, timezone="UTC")
        return self._answer.rows(schema, complete=complete)


def _table(rows: Any) -> pa.Table:
    """What a user's `answer` gave, as a table."""
    if isinstance(rows, DataFrame):
        return rows.toArrow()
    if isinstance(rows, pa.Table):
        return rows
    records = [row if isinstance(row, dict) else _fields(row) for row in rows]
    return pa.Table.from_pylist(records)


def _fields(row: Any) -> dict[str, Any]:
    if hasattr(row, "asDict"):
        return row.asDict(recursive=True)
    return {f"_{i}": value for i, value in enumerate(row if isinstance(row, tuple) else (row,), 1)}

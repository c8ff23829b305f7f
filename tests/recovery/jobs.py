"""Small streaming jobs that can die at any operation of the disk, and what each must answer in the end."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql import Row
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Expression, Read, Relation
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from pyspark.sql.streaming.stateful_processor_util import TransformWithStateInPandasUdfUtils
from pyspark.util import PythonEvalType

from cauce.checkpoint import Checkpoint
from cauce.clock import Clock, ManualClock
from cauce.conf import Conf
from cauce.delta.log import DeltaLog
from cauce.delta.reading import read_files
from cauce.files import Disk, FileSystem, LocalFileSystem, local_copy
from cauce.plan.build import alias, attribute, call, integer, string
from cauce.session import Session
from cauce.streaming.execution import open_execution, sink_context
from cauce.streaming.micro_batch import MicroBatches
from cauce.streaming.planner import plan_stream
from cauce.streaming.progress import BatchProgress
from cauce.streaming.sinks import Sink, SinkOptions, sink_class
from cauce.streaming.sources.sink_output import sink_log_files
from cauce.testing.faulty_disk import UnsyncedDisk

__all__ = ["JOBS", "ROWS", "Job", "finish", "lines_of", "rows_of_sink", "run", "run_on", "write_input"]

SCHEMA = "`id` BIGINT, `ts` TIMESTAMP"
ROWS = [[(1, 10), (2, 11), (2, 12)], [(3, 25), (1, 10)], [(4, 12), (5, 40)], [(5, 40), (6, 61)]]
"""(id, seconds) per input file; each file is one batch. The third file's first row is late."""


@dataclass(frozen=True)
class Job:
    """A query over the input files, with the sink's format or `rows by batch`."""

    name: str
    plan: Callable[[Relation], Relation]
    output_mode: str
    to_files: bool = True
    format: str = "parquet"


class BatchFiles:
    """A sink that keeps the rows of every batch under its id: repeating a batch overwrites the same."""

    output_modes = ("append", "update", "complete")

    def __init__(self, file_system: FileSystem, folder: Path) -> None:
        self._file_system, self._folder = file_system, folder

    def description(self) -> str:
        return "BatchFiles"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        self._file_system.make_dirs(str(self._folder))
        text = json.dumps(_sorted_rows(table)).encode()
        self._file_system.write_durable(str(self._folder / f"{batch_id}.json"), text, overwrite=True)
        return table.num_rows

    def stop(self) -> None:
        """Nothing is held."""


def write_input(folder: Path) -> None:
    folder.mkdir(parents=True)
    for i, rows in enumerate(ROWS):
        _write_rows(folder / f"{i}.json", rows)


def finish(job: Job, folder: Path, session: Session, settings: Mapping[str, str] | None = None) -> list:
    """Run what is left, then one more file, and give the answer.

    The last file is there because after a restart Spark, and cauce, run no batch without new data: a
    window that was due when the process died leaves with the next row.
    """
    run(job, folder, session, UnsyncedDisk(), settings=settings)
    _write_rows(folder / "in" / "last.json", [(7, 100)])
    run(job, folder, session, UnsyncedDisk(), settings=settings)
    return _answer(job, folder)


def _write_rows(path: Path, rows: list[tuple[int, int]]) -> None:
    path.write_text(lines_of(rows))


def lines_of(rows: list[tuple[int, int]]) -> str:
    """The content of an input file."""
    lines = [json.dumps({"id": k, "ts": f"1970-01-01T00:{s // 60:02}:{s % 60:02}Z"}) for k, s in rows]
    return "\n".join(lines)


def run(
    job: Job,
    folder: Path,
    session: Session,
    disk: Disk,
    *,
    settings: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> None:
    """Run the job on everything there is, as one process would, until nothing is left or the disk dies."""
    run_on(LocalFileSystem(disk), job, str(folder), session, settings=settings, clock=clock)


def run_on(
    file_system: FileSystem,
    job: Job,
    folder: str,
    session: Session,
    *,
    settings: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> None:
    """The same wherever the folder with `in`, `out` and `checkpoint` is."""
    checkpoint = Checkpoint(file_system, f"{folder}/checkpoint")
    conf, clock = Conf(dict(settings or {})), clock or ManualClock(1_000_000)
    checkpoint.acquire()
    try:
        plan = plan_stream(job.plan(_source(folder)), session, conf, output_mode=job.output_mode)
        sink = _sink(
            job, folder, file_system, sink_context(plan, checkpoint, session=session, clock=clock, conf=conf)
        )
        execution = open_execution(
            plan,
            checkpoint,
            session=session,
            clock=clock,
            conf=conf,
            sink=sink,
            output_mode=job.output_mode,
        )
        batches = MicroBatches(execution)
        batches.restore()
        while batches.run_next(BatchProgress("", "", None, batches.batch_id, 1, 0)):
            pass
        execution.close()
    finally:
        checkpoint.release()


def _answer(job: Job, folder: Path) -> list:
    """What a reader of the sink sees, in an order of its own.

    Batches may be cut differently: a crash after the source log and before the offset log leaves its
    files to the next batch, in Spark as here. So in update mode the last row of each key counts.
    """
    out = folder / "out"
    if not job.to_files:
        batches = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"), key=_batch_id)]
        rows = [
            json.loads(row)
            for batch in batches[-1 if job.output_mode == "complete" else 0 :]
            for row in batch
        ]
        return sorted({json.dumps(next(iter(row.items()))): json.dumps(row) for row in rows}.values())
    return rows_of_sink(LocalFileSystem(), job, str(out))


def rows_of_sink(file_system: FileSystem, job: Job, out: str) -> list:
    """What the sink's own log says is there."""
    if job.format == "delta":
        snapshot = DeltaLog(file_system, out).existing()
        return _sorted_rows(read_files(out, snapshot.files.values(), snapshot.table))
    tables = [pq.ParquetFile(local_copy(path)).read() for path in sink_log_files(file_system, out) or []]
    return sorted(row for table in tables for row in _sorted_rows(table))


def _batch_id(path: Path) -> int:
    return int(path.stem)


def _source(folder: str) -> Relation:
    source = Read.DataSource(
        format="json", schema=SCHEMA, paths=[f"{folder}/in"], options={"maxFilesPerTrigger": "1"}
    )
    return Relation(read=Read(is_streaming=True, data_source=source))


def _sink(job: Job, folder: str, file_system: FileSystem, context: object) -> Sink:
    if not job.to_files:
        return BatchFiles(file_system, Path(folder) / "out")
    options = SinkOptions(job.format, job.output_mode, path=f"{folder}/out")
    return sink_class(options, context)(options, context)


def _sorted_rows(table: pa.Table) -> list[str]:
    return sorted(json.dumps(row, default=str) for row in table.to_pylist())


def _watermarked(source: Relation) -> Relation:
    watermark = proto.WithWatermark(input=source, event_time="ts", delay_threshold="10 seconds")
    return Relation(with_watermark=watermark)


def _counts(source: Relation, *keys: Expression) -> Relation:
    return Relation(
        aggregate=proto.Aggregate(
            input=source,
            group_type=proto.Aggregate.GROUP_TYPE_GROUPBY,
            grouping_expressions=keys,
            aggregate_expressions=[call("count", integer(1)), call("sum", attribute("id"))],
        )
    )


def _windowed(source: Relation) -> Relation:
    return _counts(_watermarked(source), call("window", attribute("ts"), string("5 seconds")))


def _joined(source: Relation) -> Relation:
    """Every row with the rows of its id up to ten seconds later."""
    left = Relation(subquery_alias=proto.SubqueryAlias(input=_watermarked(source), alias="l"))
    right = Relation(subquery_alias=proto.SubqueryAlias(input=_watermarked(source), alias="r"))
    ten_seconds = Expression(literal=Expression.Literal(day_time_interval=10_000_000))
    conditions = [
        call("=", attribute("l", "id"), attribute("r", "id")),
        call(">", attribute("r", "ts"), attribute("l", "ts")),
        call("<=", attribute("r", "ts"), call("+", attribute("l", "ts"), ten_seconds)),
    ]
    condition = functools.reduce(lambda a, b: call("and", a, b), conditions)
    how = proto.Join.JOIN_TYPE_LEFT_OUTER
    joined = proto.Join(left=left, right=right, join_condition=condition, join_type=how)
    columns = [attribute("l", "id"), attribute("l", "ts"), alias(attribute("r", "ts"), "later")]
    return Relation(project=proto.Project(input=Relation(join=joined), expressions=columns))


def _waiting(source: Relation) -> Relation:
    """Each id's rows are counted until no row of it has come for five seconds."""

    def count(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
        total = state.get[0] if state.exists else 0
        if state.hasTimedOut:
            state.remove()
            yield pd.DataFrame({"id": [key[0]], "total": [total]})
            return
        rows = pd.concat(list(frames))
        state.update((total + len(rows),))
        last_ms = int(rows["ts"].max().timestamp() * 1000)
        state.setTimeoutTimestamp(max(last_ms + 5000, state.getCurrentWatermarkMs()))

    function = proto.PythonUDF(
        eval_type=PythonEvalType.SQL_GROUPED_MAP_PANDAS_UDF_WITH_STATE,
        command=CloudPickleSerializer().dumps((count, None)),
    )
    return Relation(
        apply_in_pandas_with_state=proto.ApplyInPandasWithState(
            input=_watermarked(source),
            grouping_expressions=[attribute("id")],
            func=proto.CommonInlineUserDefinedFunction(python_udf=function),
            output_schema="id long, total long",
            state_schema="total long",
            output_mode="append",
            timeout_conf=GroupStateTimeout.EventTimeTimeout,
        )
    )


class Remembers(StatefulProcessor):
    """Each id's rows are counted, listed and mapped until no row of it has come for five seconds."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.total = handle.getValueState("total", "n long")
        self.seen = handle.getListState("seen", "ms long")
        self.by_second = handle.getMapState("by second", "s long", "n long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:  # noqa: N802, N803
        for row in rows:
            ms = int(row.ts.timestamp() * 1000)
            self.total.update(((self.total.get() or (0,))[0] + 1,))
            self.seen.appendValue((ms,))
            self.by_second.updateValue((ms // 1000,), (1,))
            for timer_ms in list(self.handle.listTimers()):
                self.handle.deleteTimer(timer_ms)
            self.handle.registerTimer(max(last for (last,) in self.seen.get()) + 5000)
        return iter(())

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:  # noqa: N802, N803
        seconds = len(list(self.by_second.keys()))
        yield Row(id=key[0], total=self.total.get()[0], seconds=seconds, rows=len(list(self.seen.get())))
        for state in (self.total, self.seen, self.by_second):
            state.clear()


def _remembered(source: Relation) -> Relation:
    method = TransformWithStateInPandasUdfUtils(Remembers(), "EventTime").transformWithStateUDF
    function = proto.PythonUDF(
        eval_type=PythonEvalType.SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_UDF,
        command=CloudPickleSerializer().dumps((method, None)),
    )
    columns = proto.DataType(
        unparsed=proto.DataType.Unparsed(data_type_string="id long, total long, seconds long, rows long")
    )
    return Relation(
        group_map=proto.GroupMap(
            input=_watermarked(source),
            grouping_expressions=[attribute("id")],
            func=proto.CommonInlineUserDefinedFunction(python_udf=function),
            output_mode="append",
            transform_with_state_info=proto.TransformWithStateInfo(
                time_mode="EventTime", output_schema=columns
            ),
        )
    )


JOBS = {
    job.name: job
    for job in (
        Job(
            "filter",
            lambda s: Relation(
                filter=proto.Filter(input=s, condition=call(">", attribute("id"), integer(1)))
            ),
            "append",
        ),
        Job("windows in append mode", _windowed, "append"),
        Job("windows in update mode", _windowed, "update", to_files=False),
        Job("counts in complete mode", lambda s: _counts(s, attribute("id")), "complete", to_files=False),
        Job(
            "counts in complete mode to Delta",
            lambda s: _counts(s, attribute("id")),
            "complete",
            format="delta",
        ),
        Job("windows to Delta", _windowed, "append", format="delta"),
        Job(
            "distinct ids",
            lambda s: Relation(deduplicate=proto.Deduplicate(input=s, column_names=["id"])),
            "append",
        ),
        Job("counted until idle", _waiting, "append"),
        Job("remembered until idle", _remembered, "append"),
        Job("joined with itself", _joined, "append"),
        Job("first rows", lambda s: Relation(limit=proto.Limit(input=s, limit=4)), "append"),
    )
}

"""Timeouts of a whole query under a clock that only the test moves."""

import uuid
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Read, Relation
from pyspark.sql.types import LongType, StructType

from cauce.checkpoint import Checkpoint
from cauce.clock import ManualClock
from cauce.conf import Conf
from cauce.engine import Engine
from cauce.files import LocalFileSystem
from cauce.plan.build import attribute
from cauce.session import Session, SessionKey
from cauce.streaming.execution import open_execution
from cauce.streaming.micro_batch import MicroBatches
from cauce.streaming.planner import plan_stream
from cauce.streaming.progress import BatchProgress
from cauce.streaming.sources import MemoryStream


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    engine = Engine()
    yield Session(SessionKey("", "tests", str(uuid.uuid4())), engine.session("tests", str(uuid.uuid4())))
    engine.stop()


class Rows(list):
    """A sink that is a list."""

    output_modes = ("append",)

    def description(self) -> str:
        return "Rows"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        self.extend(tuple(row.values()) for row in table.to_pylist())
        return table.num_rows

    def stop(self) -> None:
        """Nothing is held."""


def wait_100_ms(key, frames, state):
    said = "idle" if state.hasTimedOut else "seen"
    if state.hasTimedOut:
        state.remove()
    else:
        state.setTimeoutDuration(100)
    yield pd.DataFrame({"id": [key[0]], "said": [said], "at_ms": [state.getCurrentProcessingTimeMs()]})


def test_a_processing_time_timeout_runs_a_batch_when_it_is_due(session, tmp_path):
    stream = MemoryStream("visits", StructType().add("id", LongType()))
    options = {"name": "visits"}
    source = Relation(
        read=Read(is_streaming=True, data_source=Read.DataSource(format="memory", options=options))
    )
    function = proto.PythonUDF(command=CloudPickleSerializer().dumps((wait_100_ms, None)))
    relation = Relation(
        apply_in_pandas_with_state=proto.ApplyInPandasWithState(
            input=source,
            grouping_expressions=[attribute("id")],
            func=proto.CommonInlineUserDefinedFunction(python_udf=function),
            output_schema="id long, said string, at_ms long",
            state_schema="n long",
            output_mode="append",
            timeout_conf="ProcessingTimeTimeout",
        )
    )
    clock, conf, rows = ManualClock(1000), Conf({}), Rows()
    checkpoint = Checkpoint(LocalFileSystem(), str(tmp_path / "checkpoint"))
    checkpoint.acquire()
    plan = plan_stream(relation, session, conf, output_mode="append", clock=clock)
    execution = open_execution(
        plan, checkpoint, session=session, clock=clock, conf=conf, sink=rows, output_mode="append"
    )
    batches = MicroBatches(execution)
    batches.restore()

    def run_next() -> bool:
        return batches.run_next(BatchProgress("", "", None, batches.batch_id, 1, clock.now_ms()))

    stream.add_data([(7,)])
    assert run_next()
    assert not run_next()
    clock.advance_ms(100)
    assert not run_next()
    clock.advance_ms(1)
    assert run_next()
    assert not run_next()
    assert rows == [(7, "seen", 1000), (7, "idle", 1101)]
    execution.close()
    checkpoint.release()

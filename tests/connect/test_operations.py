"""Running operations: streams that break, interrupts, statuses."""

import threading
import time

import grpc
import pytest
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.connect import proto

from cauce.clock import ManualClock
from cauce.server import CauceServer
from cauce.session.registry import DETACHED_MS_MAX


@pytest.fixture
def slow(spark, tmp_path):
    """A frame whose query runs until the test ends, and a wait for its start."""
    started, stop = tmp_path / "started", tmp_path / "stop"
    started_path, stop_path = str(started), str(stop)

    @F.udf("long")
    def wait(value):
        import os
        import time

        open(started_path, "w").close()
        while not os.path.exists(stop_path):
            time.sleep(0.01)
        return value

    def until_started():
        while not started.exists():
            time.sleep(0.01)

    yield spark.range(1).select(wait("id")), until_started
    stop.touch()


def in_background(action):
    """Run an action on another thread; what it raised is in the list once it has ended."""
    raised = []

    def run():
        try:
            action()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def test_interrupt_all_ends_a_running_query(spark, slow):
    frame, until_started = slow
    thread, raised = in_background(frame.collect)
    until_started()

    assert len(spark.interruptAll()) == 1
    thread.join(10)
    assert "OPERATION_CANCELED" in str(raised[0])


def test_interrupt_by_tag_leaves_other_operations_alone(spark, slow):
    frame, until_started = slow

    def tagged():
        spark.addTag("mine")
        frame.collect()

    thread, raised = in_background(tagged)
    until_started()

    assert spark.interruptTag("another") == []
    assert thread.is_alive()
    [operation_id] = spark.interruptTag("mine")
    thread.join(10)
    assert "OPERATION_CANCELED" in str(raised[0])
    assert spark.interruptOperation(operation_id) == []


def test_the_status_of_operations(spark, slow):
    frame, until_started = slow
    thread, _ = in_background(frame.collect)
    until_started()
    [running] = spark.client._get_operation_statuses().operation_statuses
    spark.interruptAll()
    thread.join(10)
    [ended] = spark.client._get_operation_statuses([running.operation_id]).operation_statuses
    [unknown] = spark.client._get_operation_statuses(["nobody"]).operation_statuses

    states = proto.GetStatusResponse.OperationStatus
    assert running.state == states.OPERATION_STATE_RUNNING
    assert ended.state == states.OPERATION_STATE_CANCELLED
    assert unknown.state == states.OPERATION_STATE_UNKNOWN


@pytest.mark.parametrize("broken_after", [0, 1, 2])
def test_a_broken_stream_goes_on_where_it_broke(spark, broken_after):
    frame = spark.range(100_000).selectExpr("id", "cast(id AS string) AS text")
    expected = frame.count()
    stub = _BreakingStub(spark.client._stub, broken_after)
    spark.client._stub = stub

    assert frame.toArrow().num_rows == expected
    assert stub.reattached >= 1


def test_an_operation_that_was_released_cannot_be_reattached(spark):
    request = spark.client._execute_plan_request_with_metadata()
    request.plan.CopyFrom(spark.range(1)._plan.to_proto(spark.client))
    request.operation_id = "11111111-2222-3333-4444-555555555555"
    request.request_options.add().reattach_options.reattachable = True
    list(spark.client._stub.ExecutePlan(request))
    ids = {"session_id": request.session_id, "operation_id": request.operation_id}
    release = proto.ReleaseExecuteRequest(**ids, user_context=request.user_context)
    release.release_all.SetInParent()
    spark.client._stub.ReleaseExecute(release)

    with pytest.raises(grpc.RpcError, match="INVALID_HANDLE.OPERATION_NOT_FOUND"):
        list(
            spark.client._stub.ReattachExecute(
                proto.ReattachExecuteRequest(**ids, user_context=request.user_context)
            )
        )


def test_an_operation_id_is_used_once(spark):
    request = spark.client._execute_plan_request_with_metadata()
    request.plan.CopyFrom(spark.range(1)._plan.to_proto(spark.client))
    request.operation_id = "11111111-2222-3333-4444-555555555555"
    list(spark.client._stub.ExecutePlan(request))

    with pytest.raises(grpc.RpcError, match="INVALID_HANDLE.OPERATION_ALREADY_EXISTS"):
        list(spark.client._stub.ExecutePlan(request))


def test_bytes_that_are_no_plan_are_refused(spark):
    call = spark.client._channel.unary_stream("/spark.connect.SparkConnectService/ExecutePlan")

    with pytest.raises(grpc.RpcError, match="CANNOT_PARSE"):
        list(call(b"\xff\xff\xff"))


def test_a_plan_nested_too_deeply_is_refused(spark):
    relation = spark.range(1)._plan.to_proto(spark.client).root
    for _ in range(501):
        outer = proto.Relation()
        outer.limit.limit = 1
        outer.limit.input.CopyFrom(relation)
        relation = outer
    request = spark.client._execute_plan_request_with_metadata()
    request.plan.root.CopyFrom(relation)

    with pytest.raises(SparkConnectGrpcException, match="CAUCE_PLAN_TOO_DEEP"):
        try:
            list(spark.client._stub.ExecutePlan(request))
        except Exception as error:
            spark.client._handle_error(error)


def test_a_compressed_plan_runs(spark):
    import pyarrow as pa

    request = spark.client._execute_plan_request_with_metadata()
    root = spark.range(7)._plan.to_proto(spark.client).root
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(root.SerializeToString())
    compressed = request.plan.compressed_operation
    compressed.data = sink.getvalue().to_pybytes()
    compressed.op_type = proto.Plan.CompressedOperation.OP_TYPE_RELATION
    compressed.compression_codec = proto.COMPRESSION_CODEC_ZSTD

    rows = [
        r.arrow_batch.row_count for r in spark.client._stub.ExecutePlan(request) if r.HasField("arrow_batch")
    ]
    assert sum(rows) == 7


class _BreakingStub:
    """The client's stub, whose first stream breaks after some responses."""

    def __init__(self, stub, broken_after):
        self._stub = stub
        self._broken_after = broken_after
        self.reattached = 0

    def __getattr__(self, name):
        return getattr(self._stub, name)

    def ExecutePlan(self, request, metadata):  # noqa: N802 - the client's name
        call = self._stub.ExecutePlan(request, metadata=metadata)
        for _ in range(self._broken_after):
            yield next(call)
        call.cancel()

    def ReattachExecute(self, request, metadata):  # noqa: N802
        self.reattached += 1
        return self._stub.ReattachExecute(request, metadata=metadata)


def test_an_operation_nobody_comes_back_for_is_dropped():
    clock = ManualClock()
    with CauceServer(clock=clock) as server:
        spark = SparkSession.builder.remote(server.connection_string).create()
        request = spark.client._execute_plan_request_with_metadata()
        request.plan.CopyFrom(spark.range(1)._plan.to_proto(spark.client))
        request.operation_id = "11111111-2222-3333-4444-555555555555"
        request.request_options.add().reattach_options.reattachable = True
        call = spark.client._stub.ExecutePlan(request)
        next(call)
        call.cancel()
        [session] = server.sessions.sessions()
        operation = session.operation(request.operation_id)
        while operation.attached:
            time.sleep(0.001)
        server.sessions.expire()
        assert not operation.released

        clock.advance_ms(DETACHED_MS_MAX + 1)
        server.sessions.expire()
        assert operation.released
        spark.stop()


def test_many_small_queries_leave_nothing_behind(spark, server):
    for _ in range(20):
        spark.range(1).collect()
    [session] = [s for s in server.sessions.sessions() if s.session_id == spark.session_id]

    assert all(operation.finished for operation in session.operations())
    assert session.engine.operation_ids._count <= 2

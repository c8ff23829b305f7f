"""Requests and functions that mean no good: the server answers, and goes on answering."""

import random
import threading
import time

import grpc
import pytest
from pyspark.sql import functions as F
from pyspark.sql.connect import proto

from cauce.connect.service import SERVICE_NAME

UNARY = {
    "AnalyzePlan": proto.AnalyzePlanRequest,
    "ArtifactStatus": proto.ArtifactStatusesRequest,
    "CloneSession": proto.CloneSessionRequest,
    "Config": proto.ConfigRequest,
    "FetchErrorDetails": proto.FetchErrorDetailsRequest,
    "GetStatus": proto.GetStatusRequest,
    "Interrupt": proto.InterruptRequest,
    "ReleaseExecute": proto.ReleaseExecuteRequest,
    "ReleaseSession": proto.ReleaseSessionRequest,
}
STREAMED = {"ExecutePlan": proto.ExecutePlanRequest, "ReattachExecute": proto.ReattachExecuteRequest}
MUTATIONS = 40


@pytest.mark.parametrize("name", [*UNARY, *STREAMED])
def test_mutated_requests_leave_the_server_alive(spark, name):
    seed = random.Random(name)
    channel, path = spark.client._channel, f"/{SERVICE_NAME}/{name}"
    call = channel.unary_unary(path) if name in UNARY else channel.unary_stream(path)
    for _ in range(MUTATIONS):
        try:
            answer = call(_mutated(_request(spark, name), seed), timeout=10)
            if name in STREAMED:
                list(answer)
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED)

    assert spark.range(3).count() == 3


def test_an_empty_upload_is_refused(spark):
    call = spark.client._channel.stream_unary(f"/{SERVICE_NAME}/AddArtifacts")

    with pytest.raises(grpc.RpcError, match="INVALID_HANDLE.FORMAT"):
        call(iter([]))


def test_a_function_that_exits_ends_its_query_only(spark):
    @F.udf("long")
    def leave(value):
        raise SystemExit(3)

    with pytest.raises(Exception, match="SystemExit|exit|3"):
        spark.range(1).select(leave("id")).collect()
    assert spark.range(3).count() == 3


def test_the_server_answers_while_a_function_spins(spark, tmp_path):
    stop = str(tmp_path / "stop")

    @F.udf("long")
    def spin(value):
        import os

        while not os.path.exists(stop):
            pass
        return value

    frame = spark.range(1).select(spin("id"))
    thread = threading.Thread(target=frame.collect)
    thread.start()
    assert spark.range(3).count() == 3
    assert thread.is_alive()
    open(stop, "w").close()
    thread.join()


def test_a_client_that_goes_away_stops_its_query(spark, server, tmp_path):
    stop = str(tmp_path / "stop")

    @F.udf("long")
    def wait(value):
        import os
        import time

        while not os.path.exists(stop):
            time.sleep(0.01)
        return value

    request = spark.client._execute_plan_request_with_metadata()
    request.plan.CopyFrom(spark.range(1).select(wait("id"))._plan.to_proto(spark.client))
    request.operation_id = "11111111-2222-3333-4444-555555555555"
    call = spark.client._stub.ExecutePlan(request)
    [session] = [s for s in server.sessions.sessions() if s.session_id == spark.session_id]
    while session.operation(request.operation_id) is None:
        time.sleep(0.001)
    call.cancel()
    while not session.operation(request.operation_id).released:
        time.sleep(0.001)

    assert session.operation(request.operation_id).cancelled
    open(stop, "w").close()


def _request(spark, name):
    message = {**UNARY, **STREAMED}[name](session_id=spark.session_id)
    message.user_context.user_id = spark.client._user_id or ""
    if name == "ExecutePlan":
        message.plan.CopyFrom(spark.range(10).filter("id > 3")._plan.to_proto(spark.client))
    if name == "AnalyzePlan":
        message.schema.plan.CopyFrom(spark.range(10).select("id")._plan.to_proto(spark.client))
    if name == "ReleaseSession":
        message.session_id = "11111111-2222-3333-4444-555555555555"
    return message.SerializeToString()


def _mutated(data, seed):
    changed = bytearray(data)
    for _ in range(seed.randint(0, 4)):
        changed[seed.randrange(len(changed))] = seed.randrange(256)
    return bytes(changed[: seed.randint(0, len(changed))]) if seed.random() < 0.3 else bytes(changed)

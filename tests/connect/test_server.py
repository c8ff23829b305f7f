"""Who may connect, where the server listens, and how it ends."""

import socket
import subprocess

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import SparkSession
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.session import SparkSession as ConnectSession

from cauce.errors import SparkError
from cauce.server import CauceServer


def test_a_wrong_token_is_refused(server):
    spark = SparkSession.builder.remote(f"sc://localhost:{server.port}/;token=wrong").create()

    with pytest.raises(SparkConnectGrpcException) as raised:
        spark.range(1).collect()

    assert raised.value.getGrpcStatusCode() is grpc.StatusCode.UNAUTHENTICATED


def test_no_token_is_refused_on_loopback_too(server, monkeypatch):
    monkeypatch.delenv("SPARK_CONNECT_AUTHENTICATE_TOKEN", raising=False)
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{server.port}").create()

    with pytest.raises(SparkConnectGrpcException, match="Invalid authentication token"):
        spark.range(1).collect()


def test_the_token_comes_from_the_environment_as_in_spark(monkeypatch):
    monkeypatch.setenv("SPARK_CONNECT_AUTHENTICATE_TOKEN", "from the environment")

    assert CauceServer().token == "from the environment"


def test_every_server_makes_its_own_token(monkeypatch):
    monkeypatch.delenv("SPARK_CONNECT_AUTHENTICATE_TOKEN", raising=False)

    assert CauceServer().token != CauceServer().token
    assert len(CauceServer().token) >= 43  # 256 bits


def test_a_busy_port_is_a_clear_error(server):
    with pytest.raises(SparkError, match="CAUCE_ADDRESS_IN_USE") as raised:
        CauceServer(port=server.port).start()

    assert "in use" in str(raised.value)


def test_an_address_others_can_reach_needs_tls():
    with pytest.raises(SparkError, match="CAUCE_UNSAFE_ADDRESS"):
        CauceServer(host="0.0.0.0").start()


def test_only_loopback_listens_by_default(server):
    with socket.socket() as probe, pytest.raises(OSError):
        probe.settimeout(1)
        probe.connect((_own_address(), server.port))


def test_health_answers_without_a_token(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_services_to_who_has_a_token(server):
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        metadata = [("authorization", f"Bearer {server.token}")]
        [answer] = stub.ServerReflectionInfo(iter([request]), metadata=metadata)
        with pytest.raises(grpc.RpcError):
            list(stub.ServerReflectionInfo(iter([request])))

    names = {service.name for service in answer.list_services_response.service}
    assert "spark.connect.SparkConnectService" in names


def test_a_client_connects_over_tls(tmp_path):
    certificate, key = _self_signed(tmp_path)
    with CauceServer(host="0.0.0.0", tls=(certificate, key)) as server:
        spark = ConnectSession(connection=_TrustingBuilder(server, certificate))

        spark.range(3).createOrReplaceTempView("shared")
        [session] = server.sessions.sessions()

        assert spark.range(3).count() == 3
        assert session.client_session().table("shared").count() == 3
        spark.stop()


def test_a_stopped_server_refuses_and_its_port_is_free():
    first = CauceServer().start()
    port = first.port
    first.stop()

    with CauceServer(port=port) as second:
        spark = SparkSession.builder.remote(second.connection_string).create()
        assert spark.range(2).count() == 2
        spark.stop()


class _TrustingBuilder(DefaultChannelBuilder):
    """The client's own builder, trusting one certificate instead of the system's."""

    def __init__(self, server, certificate):
        super().__init__(f"sc://localhost:{server.port}/;use_ssl=true;token={server.token}")
        self._certificate = certificate

    def toChannel(self):  # noqa: N802 - the client's name
        credentials = grpc.composite_channel_credentials(
            grpc.ssl_channel_credentials(self._certificate), grpc.access_token_call_credentials(self.token)
        )
        return self._secure_channel(self.endpoint, credentials)


def _self_signed(folder):
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key", "-out", folder / "cert"]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "cert").read_bytes(), (folder / "key").read_bytes()


def _own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]

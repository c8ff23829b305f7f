"""What a streaming query prints reaches the user, wherever the client is."""

import threading

import pytest
from pyspark.sql import SparkSession

from cauce.server import CauceServer


@pytest.fixture
def remote():
    """A client of a server that does not know it is in the same process, and that server."""
    with CauceServer() as server:
        spark = SparkSession.builder.remote(server.connection_string).create()
        yield spark, server
        spark.stop()


def start(spark, sink):
    stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).load()
    return stream.writeStream.format(sink).trigger(processingTime="1 minute").start()


def test_the_console_sink_prints_at_the_client(remote, capsys):
    spark, _ = remote
    query = start(spark, "console")
    printed = ""
    while "Batch: 0" not in printed:
        query.awaitTermination(0.1)
        printed += capsys.readouterr().out
    query.stop()

    assert "|timestamp" in printed.replace(" ", "")


def test_output_comes_while_the_client_waits(remote, capsys):
    spark, server = remote
    query = start(spark, "noop")
    waiting = threading.Thread(target=query.awaitTermination)
    waiting.start()
    [session] = server.sessions.sessions()
    session.write_to_client("now\n")
    printed = ""
    while "now" not in printed:
        printed += capsys.readouterr().out

    assert waiting.is_alive()
    query.stop()
    waiting.join()


def test_an_interrupt_ends_the_wait_and_not_the_query(remote):
    spark, _ = remote
    query = start(spark, "noop")
    raised = []

    def wait():
        try:
            query.awaitTermination()
        except Exception as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not spark.interruptAll():
        pass
    waiting.join()

    assert "OPERATION_CANCELED" in str(raised[0])
    assert query.isActive
    query.stop()


def test_a_wait_with_a_timeout_says_whether_the_query_ended(remote):
    spark, _ = remote
    query = start(spark, "noop")

    assert query.awaitTermination(0.05) is False
    assert spark.streams.awaitAnyTermination(0.05) is False
    query.stop()
    assert query.awaitTermination(0.05) is True
    assert spark.streams.awaitAnyTermination(0.05) is True

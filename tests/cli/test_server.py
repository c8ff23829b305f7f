"""`cauce server`: announces itself, answers a client with its token, and ends cleanly."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyspark.sql import SparkSession

from cauce.cli.serve import main

TIMEOUT_S = 60


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process and the line it announces itself with."""
    command = [sys.executable, "-m", "cauce.cli.main", "server", *arguments]
    inherited = {key: value for key, value in os.environ.items() if key != "SPARK_CONNECT_AUTHENTICATE_TOKEN"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**inherited, **environment}
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_a_client_works_with_the_announced_string_until_sigterm() -> None:
    with running("--port", "0") as (process, line):
        found = re.fullmatch(r"Spark Connect on (sc://localhost:\d+/;token=\S{40,})\n", line)
        assert found, line
        spark = SparkSession.builder.remote(found[1]).create()
        assert spark.range(3).count() == 3
        spark.stop()
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0


def test_a_token_the_user_has_already_is_not_shown_again() -> None:
    with running("--port", "0", SPARK_CONNECT_AUTHENTICATE_TOKEN="mine-and-secret") as (_, line):
        assert re.fullmatch(r"Spark Connect on sc://localhost:\d+ \(token: SPARK_\w+\)\n", line)


@pytest.fixture
def busy_port() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


def test_a_busy_port_is_a_clear_error(busy_port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", busy_port]) == 1
    assert capsys.readouterr().err.startswith("cauce server: [CAUCE_ADDRESS_IN_USE]")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0", "--port", "0"], "CAUCE_UNSAFE_ADDRESS"),
        (["--port", "0", "--tls-cert", "cert.pem"], "belong together"),
        (["--port", "0", "--tls-cert", "absent.pem", "--tls-key", "absent.pem"], "absent.pem"),
    ],
)
def test_what_cannot_be_served_safely_is_not_served(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert said in capsys.readouterr().err

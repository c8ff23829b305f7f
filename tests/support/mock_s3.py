"""An S3 server inside the test's process, whose every answer a test can spoil.

It honours conditions (`If-None-Match`, `If-Match`), and takes one request at a time, so they are atomic.
It knows one bucket, `lake`, and lets everybody in but `nobody`.
"""

import logging
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

__all__ = ["FAULTS", "MockS3"]

BUCKET = "lake"
DENIED = b"<Error><Code>InvalidAccessKeyId</Code><Message>It does not exist in our records.</Message></Error>"
BROKEN = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"

FAULTS = ("error", "slow down", "error although done", "connection lost", "answer lost")
"""What can happen to a request. After the third and the last it has had its effect all the same."""

Fault = Callable[[int], str | None]
"""From the number of a request to what happens to it."""


class MockS3:
    """One server; `fault` says what happens to the requests from then on, counted from zero."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._app = DomainDispatcherApplication(create_backend_app)
        self._guard = threading.Lock()
        self._fault: Fault = lambda number: None
        self.requests: list[str] = []
        """Method and path of what was asked since `fault` or `reset`."""
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def settings(self) -> dict[str, str]:
        """What a session needs to get there; retries are quick."""
        return {
            "spark.hadoop.fs.s3a.endpoint": self.endpoint,
            "spark.hadoop.fs.s3a.access.key": "test",
            "spark.hadoop.fs.s3a.secret.key": "test",
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.retry.limit": "3",
            "spark.hadoop.fs.s3a.retry.interval": "1ms",
        }

    def reset(self) -> None:
        """An empty bucket, and no faults."""
        self.fault(lambda number: None)
        self._call("POST", "moto-api/reset")
        self._call("PUT", BUCKET)
        self.requests.clear()

    def fault(self, fault: Fault) -> None:
        with self._guard:
            self._fault = fault
            self.requests.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _call(self, method: str, path: str) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{path}", method=method)).close()

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._guard:
            fault = self._fault(len(self.requests))
            self.requests.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
            if "Credential=nobody/" in environ.get("HTTP_AUTHORIZATION", ""):
                return _answer(start_response, "403 Forbidden", DENIED)
            if fault == "error":
                return _answer(start_response, "500 Internal Server Error", BROKEN)
            if fault == "slow down":
                return _answer(start_response, "503 Slow Down", BROKEN)
            if fault == "connection lost":
                return _hang_up(environ)
            body = _performed(self._app, environ, start_response if fault is None else _ignore)
            if fault == "error although done":
                return _answer(start_response, "500 Internal Server Error", BROKEN)
            return body if fault is None else _hang_up(environ)


class Handler(WSGIRequestHandler):
    """Keeps quiet, and connections open."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """A test says what matters."""


def _performed(app: Any, environ: dict[str, Any], start_response: Any) -> list[bytes]:
    found = app(environ, start_response)
    try:
        return list(found)
    finally:
        getattr(found, "close", lambda: None)()


def _answer(start_response: Any, status: str, body: bytes) -> list[bytes]:
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _hang_up(environ: dict[str, Any]) -> list[bytes]:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionError("as the test wants it")


def _ignore(*_: Any) -> Callable[[bytes], None]:
    return lambda data: None

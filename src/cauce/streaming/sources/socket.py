"""The socket source: lines of text from a TCP server, for tutorials; lost lines stay lost."""

import socket
import threading

import pyarrow as pa
from pyspark.sql.types import StringType, StructField, StructType, TimestampType

from cauce.errors import AnalysisException, IllegalStateException
from cauce.streaming.sources.rate import refuse_schema
from cauce.streaming.sources.source import ReadLimit, SourceContext, SourceOptions

__all__ = ["SocketSource"]

RECEIVE_BYTES = 1 << 16
CONNECT_TIMEOUT_S = 30


class SocketSource:
    """An offset is the number of the last line received; -1 is before any.

    Lines are taken from the socket when the query asks for its latest offset, so no thread is needed.
    """

    def __init__(self, options: SourceOptions, context: SourceContext) -> None:
        self._host, self._port = _address(options)
        self.schema = _schema(options)
        self._with_timestamp = len(self.schema.fields) == 2
        self._clock = context.clock
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._partial = b""
        self._lines: list[tuple[str, int]] = []
        self._dropped = 0
        self._frozen: int | None = None

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        refuse_schema(options, "TextSocketSourceProvider")
        _address(options)
        return _schema(options)

    def description(self) -> str:
        return f"TextSocketV2[host: {self._host}, port: {self._port}]"

    def default_limit(self) -> ReadLimit:
        return ReadLimit()

    def initial_offset(self) -> int:
        return -1

    def latest_offset(self, start: int | None, limit: ReadLimit) -> int:
        if self._socket is None and start is not None:
            self._dropped = start + 1  # After a restart, numbers go on; the lines before are lost.
        return self.report_latest_offset() if self._frozen is None else self._frozen

    def report_latest_offset(self) -> int:
        with self._lock:
            self._receive()
            return self._dropped + len(self._lines) - 1

    def prepare_for_trigger_available_now(self) -> None:
        self._frozen = self.report_latest_offset()

    def read(self, start: int | None, end: int) -> pa.Table:
        start = -1 if start is None else start
        with self._lock:
            first, last = start + 1 - self._dropped, end + 1 - self._dropped
            if first < 0 or last > len(self._lines):
                lost = f"{self.description()} cannot read lines {start + 1} to {end} again after a restart."
                raise IllegalStateException(None, lost)
            lines = self._lines[first:last]
        columns: dict[str, pa.Array] = {"value": pa.array([text for text, _ in lines], pa.string())}
        if self._with_timestamp:
            times_us = pa.array([time_ms * 1000 for _, time_ms in lines], pa.int64())
            columns["timestamp"] = times_us.cast(pa.timestamp("us", "UTC"))
        return pa.table(columns)

    def commit(self, end: int) -> None:
        with self._lock:
            count = end + 1 - self._dropped
            if count < 0:
                raise IllegalStateException(
                    None, f"Offsets committed out of order: {self._dropped - 1} followed by {end}"
                )
            del self._lines[:count]
            self._dropped += count

    def offset_json(self, offset: int) -> str:
        return str(offset)

    def parse_offset(self, text: str) -> int:
        return int(text)

    def metrics(self, end: int | None) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()

    def _receive(self) -> None:
        """Take over whatever has arrived."""
        if self._socket is None:
            self._socket = socket.create_connection((self._host, self._port), CONNECT_TIMEOUT_S)
            self._socket.setblocking(False)
        while (data := _receive_now(self._socket)) is not None:
            if not data:
                self._take_lines(b"\n" if self._partial else b"")  # The last line may end without one.
                return
            self._take_lines(data)

    def _take_lines(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        now_ms = self._clock.now_ms()
        self._lines += [(line.removesuffix(b"\r").decode(errors="replace"), now_ms) for line in lines]


def _receive_now(connection: socket.socket) -> bytes | None:
    """Some bytes; none if the server closed; None if there are none now."""
    try:
        return connection.recv(RECEIVE_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""  # As Spark: a broken connection means no more lines, not a failed query.


def _address(options: SourceOptions) -> tuple[str, int]:
    host = options.get("host")
    if host is None:
        raise AnalysisException("_LEGACY_ERROR_TEMP_1295")
    if options.get("port") is None:
        raise AnalysisException("_LEGACY_ERROR_TEMP_1296")
    if (options.get("includeTimestamp") or "false").lower() not in ("true", "false"):
        raise AnalysisException("_LEGACY_ERROR_TEMP_1297")
    return host, options.integer("port", 0)


def _schema(options: SourceOptions) -> StructType:
    fields = [StructField("value", StringType())]
    if options.flag("includeTimestamp", False):
        fields.append(StructField("timestamp", TimestampType()))
    return StructType(fields)

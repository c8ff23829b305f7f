"""For every source of the registry: how to make one, and how to have more data arrive."""

import itertools
import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.types import LongType, StringType, StructType

from cauce.delta.log import DeltaLog
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import WriteOptions, ensure_table, write_rows
from cauce.streaming.sources import MemoryStream, SourceOptions
from tests.support.mock_kafka import MockKafka

ROWS = StructType().add("id", LongType()).add("name", StringType())
LINES = StructType().add("value", StringType())
NAMES = ["Ana", "日本", "ünï 😀", None]


@dataclass
class SourceCase:
    """`feed()` makes a little more data available; `rows` is how many rows that is."""

    options: SourceOptions
    feed: Callable[[], None]
    rows: int
    limit: dict[str, str] = field(default_factory=dict)
    """Options under which two feeds make two batches."""
    replays_after_restart: bool = True
    one_batch_at_a_time: bool = False
    """Every batch has its rows without anything arriving."""
    data_sources: dict[str, type] = field(default_factory=dict)


class Feed:
    """Files that appear one by one, each a second younger than the last."""

    def __init__(self, folder: str, write: Callable[[str, list[dict]], None]) -> None:
        self._folder, self._write, self._count = folder, write, 0
        os.makedirs(folder, exist_ok=True)

    def __call__(self) -> None:
        path = f"{self._folder}/part-{self._count}"
        rows = [{"id": self._count * 10 + i, "name": name} for i, name in enumerate(NAMES)]
        self._write(path, rows)
        self._count += 1
        os.utime(path, (1_600_000_000 + self._count,) * 2)


def arrow(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, pa.schema({"id": pa.int64(), "name": pa.string()}))


def write_json(path: str, rows: list[dict]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


def write_csv(path: str, rows: list[dict]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{row['id']},{row['name'] or ''}\n" for row in rows))


def write_text(path: str, rows: list[dict]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{row['name'] or ''}\n" for row in rows))


def write_parquet(path: str, rows: list[dict]) -> None:
    pq.write_table(arrow(rows), path)


def write_orc(path: str, rows: list[dict]) -> None:
    pyarrow.orc.write_table(arrow(rows), path)


FILE_WRITERS = {
    "csv": write_csv,
    "json": write_json,
    "orc": write_orc,
    "parquet": write_parquet,
    "text": write_text,
}


def file_case(format: str) -> Callable[[Any], SourceCase]:
    def make(env: Any) -> SourceCase:
        folder = f"{env.tmp_path}/in"
        feed = Feed(folder, FILE_WRITERS[format])
        schema = LINES if format == "text" else ROWS
        limit = {"maxFilesPerTrigger": "1"}
        return SourceCase(SourceOptions(format, schema, (folder,)), feed, len(NAMES), limit)

    return make


def table_case(env: Any) -> SourceCase:
    folder = f"{env.tmp_path}/in"
    feed = Feed(folder, write_parquet)
    env.engine.sql(f"CREATE TABLE stored (id BIGINT, name STRING) USING parquet LOCATION '{folder}'")
    options = SourceOptions("table", paths=("stored",))
    return SourceCase(options, feed, len(NAMES), {"maxFilesPerTrigger": "1"})


def delta_case(env: Any) -> SourceCase:
    path = f"{env.tmp_path}/in"
    log = DeltaLog.open(path)
    count = itertools.count()
    transaction = Transaction(log, env.clock)
    ensure_table(transaction, ROWS, WriteOptions())
    transaction.commit(Operation("CREATE TABLE"))

    def feed() -> None:
        transaction = Transaction(log, env.clock)
        start = next(count) * 10
        rows = arrow([{"id": start + i, "name": name} for i, name in enumerate(NAMES)])
        write_rows(transaction, rows, ROWS, engine=env.engine)
        transaction.commit(Operation("WRITE"))

    options = SourceOptions("delta", paths=(path,))
    return SourceCase(options, feed, len(NAMES), {"maxFilesPerTrigger": "1"})


def memory_case(env: Any) -> SourceCase:
    stream = MemoryStream(str(env.tmp_path), ROWS)
    rows = [(i, name) for i, name in enumerate(NAMES)]
    options = SourceOptions("memory", options={"name": stream.name})
    return SourceCase(options, lambda: stream.add_data(rows) and None, len(rows))


def rate_case(env: Any) -> SourceCase:
    return SourceCase(
        SourceOptions("rate", options={"rowsPerSecond": "5"}), lambda: env.clock.advance_ms(1_000), rows=5
    )


def rate_micro_batch_case(env: Any) -> SourceCase:
    options = SourceOptions("rate-micro-batch", options={"rowsPerBatch": "5"})
    return SourceCase(options, lambda: None, rows=5, one_batch_at_a_time=True)


def socket_case(env: Any) -> SourceCase:
    server = LineServer()
    env.finalizers.append(server.close)
    options = SourceOptions("socket", options={"host": "127.0.0.1", "port": str(server.port)})
    return SourceCase(options, server.send_lines, len(NAMES), replays_after_restart=False)


QUICK = {"kafka.fetch.max.wait.ms": "10"}
"""The mock broker answers a fetch when its time is up, whatever arrives meanwhile."""


def kafka_case(env: Any) -> SourceCase:
    kafka = MockKafka()
    env.finalizers.append(kafka.close)
    kafka.create("in")
    named = {"kafka.bootstrap.servers": kafka.servers, "subscribe": "in", **QUICK}
    options = SourceOptions("kafka", options={**named, "startingOffsets": "earliest"})
    limit = {"maxOffsetsPerTrigger": str(len(NAMES))}
    return SourceCase(options, lambda: kafka.send("in", NAMES), len(NAMES), limit)


class LineServer:
    """Sends lines to whoever is connected, and returns when the kernel has them."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        self._waiting: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()
        self._lock = threading.Lock()

    def _accept(self) -> None:
        try:
            while True:
                connection, _ = self._listener.accept()
                with self._lock:
                    connection.sendall(b"".join(self._waiting))
                    self._connections.append(connection)
        except OSError:
            return

    def send_lines(self) -> None:
        data = "".join(f"{name or ''}\n" for name in NAMES).encode()
        with self._lock:
            self._waiting.append(data)
            for connection in self._connections:
                connection.sendall(data)

    def close(self) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.close()


class PythonReader(DataSourceStreamReader):
    """Reads a list that grows; offsets are lengths."""

    available: list[tuple] = []

    def initialOffset(self) -> dict:  # noqa: N802
        return {"n": 0}

    def latestOffset(self, start: dict, limit: object) -> dict:  # noqa: N802
        return {"n": len(self.available)}

    def partitions(self, start: dict, end: dict) -> list[InputPartition]:
        return [InputPartition((start["n"], end["n"]))]

    def read(self, partition: InputPartition):
        start, end = partition.value
        yield from self.available[start:end]


class PythonData(DataSource):
    @classmethod
    def name(cls) -> str:
        return "my-source"

    def schema(self) -> StructType:
        return ROWS

    def streamReader(self, schema: StructType) -> PythonReader:  # noqa: N802
        return PythonReader()


def python_case(env: Any) -> SourceCase:
    PythonReader.available = []
    rows = [(i, name) for i, name in enumerate(NAMES)]
    return SourceCase(
        SourceOptions("my-source"),
        lambda: PythonReader.available.extend(rows),
        len(rows),
        data_sources={"my-source": PythonData},
    )


CASES: dict[str, Callable[[Any], SourceCase]] = {
    **{format: file_case(format) for format in FILE_WRITERS},
    "delta": delta_case,
    "kafka": kafka_case,
    "memory": memory_case,
    "my-source": python_case,
    "rate": rate_case,
    "rate-micro-batch": rate_micro_batch_case,
    "socket": socket_case,
    "table": table_case,
}

"""For every sink of the registry: what to give it, and how to see what it holds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.datasource import DataSource, DataSourceStreamWriter, WriterCommitMessage
from pyspark.sql.streaming.readwriter import DataStreamWriter
from pyspark.sql.types import BinaryType, StringType, StructField, StructType

from cauce.checkpoint import SinkLog
from cauce.delta.log import DeltaLog
from cauce.delta.reading import read_files
from cauce.files import LocalFileSystem
from cauce.formats import READERS, FormatOptions
from cauce.streaming.sinks import SinkOptions
from tests.support.mock_kafka import MockKafka

FLAT_ONLY = ("arr", "st", "m")
"""Columns that CSV cannot hold."""
LINES = StructType([StructField("value", StringType())])

Rows = list[dict[str, Any]]


@dataclass
class SinkCase:
    """`answer()` is every row the sink holds, or was given if it holds none."""

    options: SinkOptions
    answer: Callable[[], Rows]
    schema: StructType
    repeats_are_ignored: bool
    """Whether the medium can tell that it has a batch already."""
    keeps_types: bool = True


def file_case(format: str) -> Callable[[Any], SinkCase]:
    def make(env: Any) -> SinkCase:
        out = f"{env.tmp_path}/out"
        schema = {"text": LINES, "csv": _flat(env.schema)}.get(format, env.schema)

        def answer() -> Rows:
            files = SinkLog(LocalFileSystem(), f"{out}/_spark_metadata").all_files()
            return [row for file in files for row in _read(format, file.path, schema)]

        options = SinkOptions(format, "append", path=out)
        return SinkCase(
            options, answer, schema, repeats_are_ignored=True, keeps_types=format in ("parquet", "orc")
        )

    return make


def _flat(schema: StructType) -> StructType:
    return StructType([field for field in schema.fields if field.name not in FLAT_ONLY])


def _read(format: str, path: str, schema: StructType) -> Rows:
    if format == "parquet":
        return pq.read_table(path).to_pylist()
    with open(path, "rb") as file:
        data = file.read()
    return READERS[format](data, schema, FormatOptions()).to_pylist() if data else []


def table_case(env: Any) -> SinkCase:
    def answer() -> Rows:
        return env.session.engine.sql("SELECT * FROM stored").to_pylist()

    return SinkCase(
        SinkOptions("", "append", table_name="stored"), answer, env.schema, repeats_are_ignored=True
    )


def delta_case(env: Any) -> SinkCase:
    out = f"{env.tmp_path}/out"

    def answer() -> Rows:
        snapshot = DeltaLog.open(out).existing()
        return read_files(out, snapshot.files.values(), snapshot.table).to_pylist()

    return SinkCase(SinkOptions("delta", "append", path=out), answer, env.schema, repeats_are_ignored=True)


def memory_case(env: Any) -> SinkCase:
    def answer() -> Rows:
        return env.session.engine.sql("SELECT * FROM answers").to_pylist()

    return SinkCase(
        SinkOptions("memory", "append", query_name="answers"), answer, env.schema, repeats_are_ignored=True
    )


def console_case(env: Any) -> SinkCase:
    def answer() -> Rows:
        lines = "".join(env.printed).split("\n")
        return [{"line": line} for line in lines if re.match(r"\|(?!\s*s\|)", line)]

    return SinkCase(
        SinkOptions("console", "append"), answer, env.schema, repeats_are_ignored=False, keeps_types=False
    )


KAFKA = StructType().add("key", StringType()).add("value", BinaryType()).add("topic", StringType())


def kafka_case(env: Any) -> SinkCase:
    kafka = MockKafka()
    env.finalizers.append(kafka.close)
    kafka.create("out")

    def answer() -> Rows:
        return [
            {"key": None if key is None else key.decode(), "value": value, "topic": "out"}
            for _, key, value, _ in kafka.records("out")
        ]

    options = SinkOptions("kafka", "append", options={"kafka.bootstrap.servers": kafka.servers})
    return SinkCase(options, answer, KAFKA, repeats_are_ignored=False)


def noop_case(env: Any) -> SinkCase:
    return SinkCase(
        SinkOptions("noop", "append"), list, env.schema, repeats_are_ignored=True, keeps_types=False
    )


class Written(WriterCommitMessage):
    def __init__(self, rows: Rows) -> None:
        self.rows = rows


given: Rows = []
"""What user code was called with; the code below is the user's."""


def note(row: Any) -> None:
    given.append(row.asDict(recursive=True))


class PythonWriter(DataSourceStreamWriter):
    def write(self, iterator) -> Written:
        return Written([row.asDict(recursive=True) for row in iterator])

    def commit(self, messages: list, batchId: int) -> None:  # noqa: N803
        given.extend(messages[0].rows)


class PythonData(DataSource):
    @classmethod
    def name(cls) -> str:
        return "my-sink"

    def streamWriter(self, schema: StructType, overwrite: bool) -> PythonWriter:  # noqa: N802
        return PythonWriter()


def user_code_case(format: str, function: Any = None) -> Callable[[Any], SinkCase]:
    def make(env: Any) -> SinkCase:
        given.clear()
        options = SinkOptions(format, "append", function=function)
        return SinkCase(options, lambda: given, env.schema, repeats_are_ignored=False)

    return make


def foreach_batch_case(env: Any) -> SinkCase:
    given.clear()

    def function(df: Any, batch_id: int) -> None:
        given.extend(df.toArrow().to_pylist())

    return SinkCase(
        SinkOptions("foreachBatch", "append", function=function),
        lambda: given,
        env.schema,
        repeats_are_ignored=False,
    )


CASES: dict[str, Callable[[Any], SinkCase]] = {
    **{format: file_case(format) for format in ("csv", "json", "orc", "parquet", "text")},
    "console": console_case,
    "delta": delta_case,
    "foreach": user_code_case("foreach", DataStreamWriter._construct_foreach_function(note)),
    "foreachBatch": foreach_batch_case,
    "kafka": kafka_case,
    "memory": memory_case,
    "my-sink": user_code_case("my-sink"),
    "noop": noop_case,
    "table": table_case,
}
"""`my-sink` is a sink the user registered; `table` is toTable."""


def lines_table(values: list[str | None]) -> pa.Table:
    return pa.table({"value": pa.array(values, pa.string())})


def records_table(records: list[tuple[str | None, bytes | None]]) -> pa.Table:
    """Keys and values for Kafka, all for one topic."""
    keys, values = zip(*records, strict=True)
    topics = pa.repeat(pa.scalar("out"), len(records))
    return pa.table({"key": pa.array(keys, pa.string()), "value": pa.array(values), "topic": topics})

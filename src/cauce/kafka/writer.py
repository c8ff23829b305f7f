"""Writing rows to Kafka: which columns they must have, and sending them.

Source: KafkaWriter.scala and KafkaWriteTask.scala of Apache Spark 4.2.
"""

from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Any

import pyarrow as pa
from pyspark.sql.types import BinaryType, DataType, IntegerType, StringType, StructType

from cauce.errors import AnalysisException, IllegalArgumentException, IllegalStateException, SparkError
from cauce.kafka.client import Sender
from cauce.kafka.options import kafka_properties
from cauce.kafka.records import HEADERS_TYPE

__all__ = ["KafkaWriter", "check_columns", "producer_properties"]

TYPES: dict[str, tuple[DataType, ...]] = {
    "topic": (StringType(),),
    "key": (StringType(), BinaryType()),
    "value": (StringType(), BinaryType()),
    "headers": (HEADERS_TYPE,),
    "partition": (IntegerType(),),
}
"""In the order in which Spark checks them."""
ANY_PARTITION = -1


def check_columns(schema: StructType, topic: str | None) -> None:
    """Refuse rows that cannot be written, in Spark's words."""
    types = {field.name: field.dataType for field in reversed(schema.fields)}
    for name, allowed in TYPES.items():
        if name == "topic" and topic is not None:
            continue
        if name not in types:
            _check_absence(name)
        elif not any(_same(types[name], kind) for kind in allowed):
            raise _unwritable(
                f"{name} attribute unsupported type {types[name].simpleString()}. {name} must be a(n) "
                f"{' or '.join(kind.simpleString() for kind in allowed)}"
            )


def producer_properties(options: Mapping[str, str]) -> dict[str, str]:
    """The `kafka.` options of a write."""
    properties = kafka_properties(options)
    for part in ("key", "value"):
        if f"{part}.serializer" in properties:
            subject = "keys are" if part == "key" else "value are"
            raise IllegalArgumentException(
                None,
                f"Kafka option '{part}.serializer' is not supported as {subject} serialized with "
                "ByteArraySerializer.",
            )
    if "bootstrap.servers" not in properties:
        raise SparkError(
            None, "Kafka option bootstrap.servers is not set. Please make sure it is set and retry."
        )
    return properties


class KafkaWriter:
    """Sends rows; they have arrived when `flush` returns."""

    def __init__(self, sender: Sender, topic: str | None) -> None:
        self._sender = sender
        self._topic = topic

    def write(self, table: pa.Table) -> None:
        """Hand all rows to the sender."""
        for batch in table.to_batches(max_chunksize=10_000):
            send = self._sender.send
            # The client library takes records one by one.
            for topic, value, key, partition, headers in self._records(batch):
                if topic is None:
                    raise IllegalStateException("KAFKA_NULL_TOPIC_IN_DATA")
                send(topic, value, key, ANY_PARTITION if partition is None else partition, headers)
            self._sender.check()

    def flush(self) -> None:
        self._sender.flush()

    def _records(self, batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
        values = {name: _values(batch, name) for name in TYPES}
        if self._topic is not None:
            values["topic"] = repeat(self._topic)
        return zip(
            values["topic"],
            _values(batch, "value") or (),
            values["key"] or repeat(None),
            values["partition"] or repeat(None),
            map(_headers, values["headers"] or repeat(None)),
            strict=False,
        )


def _values(batch: pa.RecordBatch, name: str) -> Any:
    """The column as Python values, text as UTF-8; None when there is no such column."""
    index = next((i for i, column in enumerate(batch.schema.names) if column == name), None)
    if index is None:
        return None
    column = batch.column(index)
    if name in ("key", "value"):
        column = column.cast(pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary())
    return column.to_pylist()


def _headers(headers: list[dict[str, Any]] | None) -> list[tuple[str, bytes | None]] | None:
    return None if headers is None else [(header["key"], header["value"]) for header in headers]


def _check_absence(name: str) -> None:
    if name == "topic":
        raise _unwritable(
            "topic option required when no 'topic' attribute is present. Use the topic option for setting a "
            "topic."
        )
    if name == "value":
        raise _unwritable("Required attribute 'value' not found")


def _same(actual: DataType, expected: DataType) -> bool:
    """Whether types are equal but for nullability."""
    return actual.simpleString() == expected.simpleString()


def _unwritable(message: str) -> AnalysisException:
    return AnalysisException("_LEGACY_ERROR_TEMP_3080", msg=message)

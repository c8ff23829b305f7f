"""Kafka's records as Arrow columns, with the names and types of Spark's Kafka source."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from cauce.errors import IllegalStateException
from cauce.kafka.offsets import TopicPartition

__all__ = ["HEADERS_TYPE", "Chunk", "arrow_schema", "chunk_of", "empty_table", "kafka_schema"]

HEADERS_TYPE = ArrayType(StructType([StructField("key", StringType()), StructField("value", BinaryType())]))
COLUMNS = [
    StructField("key", BinaryType()),
    StructField("value", BinaryType()),
    StructField("topic", StringType()),
    StructField("partition", IntegerType()),
    StructField("offset", LongType()),
    StructField("timestamp", TimestampType()),
    StructField("timestampType", IntegerType()),
]
ARROW_HEADERS = pa.list_(
    pa.field("item", pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())]))
)
ARROW_COLUMNS = [
    pa.field("key", pa.binary()),
    pa.field("value", pa.binary()),
    pa.field("topic", pa.string()),
    pa.field("partition", pa.int32()),
    pa.field("offset", pa.int64()),
    pa.field("timestamp", pa.timestamp("us", "UTC")),
    pa.field("timestampType", pa.int32()),
]
TIMESTAMP_MS_MAX = (2**63 - 1) // 1000


def kafka_schema(include_headers: bool) -> StructType:
    """The columns of a read."""
    return StructType([*COLUMNS, StructField("headers", HEADERS_TYPE)] if include_headers else COLUMNS)


def arrow_schema(include_headers: bool) -> pa.Schema:
    """The same in Arrow."""
    headers = [pa.field("headers", ARROW_HEADERS)] if include_headers else []
    return pa.schema([*ARROW_COLUMNS, *headers])


def empty_table(include_headers: bool) -> pa.Table:
    """No records."""
    return arrow_schema(include_headers).empty_table()


@dataclass(frozen=True)
class Chunk:
    """Records that were taken together, sorted by partition: `codes` number the partitions of a read."""

    codes: np.ndarray
    offsets: np.ndarray
    rows: pa.RecordBatch

    def select(self, mask: np.ndarray) -> "Chunk":
        if mask.all():
            return self
        return Chunk(self.codes[mask], self.offsets[mask], self.rows.filter(pa.array(mask)))


def chunk_of(
    messages: Sequence[Any], numbers: Mapping[TopicPartition, int], *, include_headers: bool
) -> Chunk:
    """Columns from the library's messages; each attribute is fetched by one C loop over all of them."""
    kind, count = type(messages[0]), len(messages)
    topics = pa.array(list(map(kind.topic, messages)), pa.string())
    partitions = np.fromiter(map(kind.partition, messages), np.int32, count)
    offsets = np.fromiter(map(kind.offset, messages), np.int64, count)
    stamps = np.fromiter(itertools.chain.from_iterable(map(kind.timestamp, messages)), np.int64, 2 * count)
    stamps = stamps.reshape(count, 2)
    if abs(stamps[:, 1]).max() > TIMESTAMP_MS_MAX:
        raise _malformed(messages, stamps[:, 1])
    columns = [
        pa.array(list(map(kind.key, messages)), pa.binary()),
        pa.array(list(map(kind.value, messages)), pa.binary()),
        topics,
        pa.array(partitions),
        pa.array(offsets),
        pa.array(stamps[:, 1] * 1000).view(ARROW_COLUMNS[5].type),
        # Spark counts the kinds of timestamp from -1, the library from 0.
        pa.array((stamps[:, 0] - 1).astype(np.int32)),
    ]
    if include_headers:
        columns.append(_headers(messages))
    rows = pa.RecordBatch.from_arrays(columns, schema=arrow_schema(include_headers))
    return _by_partition(_codes(topics, partitions, numbers), offsets, rows)


def _codes(
    topics: pa.StringArray, partitions: np.ndarray, numbers: Mapping[TopicPartition, int]
) -> np.ndarray:
    """The number of each record's partition."""
    encoded = topics.dictionary_encode()
    names = {topic: index for index, topic in enumerate(encoded.dictionary.to_pylist())}
    lookup = np.full((len(names), max(p.partition for p in numbers) + 1), -1, np.int64)
    for partition, number in numbers.items():
        if partition.topic in names:
            lookup[names[partition.topic], partition.partition] = number
    return lookup[encoded.indices.to_numpy(), partitions]


def _by_partition(codes: np.ndarray, offsets: np.ndarray, rows: pa.RecordBatch) -> Chunk:
    if (codes[1:] >= codes[:-1]).all():
        return Chunk(codes, offsets, rows)
    order = np.argsort(codes, kind="stable")
    return Chunk(codes[order], offsets[order], rows.take(pa.array(order)))


def _headers(messages: Sequence[Any]) -> pa.Array:
    # Headers are lists of pairs inside each message; there is no way to them but one message at a time.
    rows = [
        None if not headers else [{"key": key, "value": value} for key, value in headers]
        for headers in (message.headers() for message in messages)
    ]
    return pa.array(rows, ARROW_HEADERS)


def _malformed(messages: Sequence[Any], stamps_ms: np.ndarray) -> IllegalStateException:
    message = messages[int(np.argmax(abs(stamps_ms)))]
    return IllegalStateException(
        "KAFKA_MALFORMED_RECORD_TIMESTAMP",
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=int(abs(stamps_ms).max()),
    )

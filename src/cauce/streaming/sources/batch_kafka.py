"""Batch reads of Kafka: `spark.read.format("kafka")` is everything between two positions, read once."""

import pyarrow as pa
from pyspark.sql.connect.proto import Read
from pyspark.sql.types import StructType

from cauce.engine import EngineSession
from cauce.errors import AnalysisException
from cauce.kafka import (
    Client,
    KafkaOptions,
    OffsetRange,
    OffsetReader,
    RangeReader,
    empty_table,
    kafka_options,
    kafka_schema,
    require_client,
)
from cauce.streaming.sources.sink_output import parse_schema

__all__ = ["read_batch_kafka"]


def read_batch_kafka(source: Read.DataSource, engine: EngineSession, *, rows: bool) -> pa.Table:
    """The records; without `rows` only the columns, and what is wrong with the options."""
    options = kafka_options(dict(source.options), streaming=False)
    require_client()
    schema = kafka_schema(options.include_headers)
    if source.schema:
        _check_schema(parse_schema(source.schema, engine), schema)
    return _read(options) if rows else empty_table(options.include_headers)


def _read(options: KafkaOptions) -> pa.Table:
    client = Client(options.properties, options.group_id)
    try:
        begin, end = OffsetReader(client, options).bounds()
        ranges = [OffsetRange(partition, start, end[partition]) for partition, start in begin.items()]
        return RangeReader(client, options).read(ranges)
    finally:
        client.close()


def _check_schema(declared: StructType, actual: StructType) -> None:
    if declared != actual:
        raise AnalysisException(
            "USER_SPECIFIED_AND_ACTUAL_SCHEMA_MISMATCH", schema=_ddl(declared), actualSchema=_ddl(actual)
        )


def _ddl(schema: StructType) -> str:
    return ",".join(f"{field.name} {field.dataType.simpleString().upper()}" for field in schema)

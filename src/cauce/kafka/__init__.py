"""Kafka as Apache Spark's connector shows it: options, offsets, records as Arrow columns, and writing.

Imported by streaming (source and sink) and connect (batch reads and writes); imports conf and errors. The
client library is imported in `client.py` alone, when it is first needed. Nothing here knows about queries.
Not supported: Kerberos and delegation tokens, JKS key stores, share groups.
"""

from cauce.kafka.client import Client, Sender, require_client
from cauce.kafka.offset_reader import OffsetReader
from cauce.kafka.offsets import Offsets, TopicPartition, offsets_json, parse_offsets
from cauce.kafka.options import KafkaOptions, kafka_options
from cauce.kafka.planning import DataLoss, check_frozen_end, offsets_behind, prorated, total_behind
from cauce.kafka.range_reader import OffsetRange, RangeReader
from cauce.kafka.records import empty_table, kafka_schema
from cauce.kafka.writer import KafkaWriter, check_columns, producer_properties

__all__ = [
    "Client",
    "DataLoss",
    "KafkaOptions",
    "KafkaWriter",
    "OffsetRange",
    "OffsetReader",
    "Offsets",
    "RangeReader",
    "Sender",
    "TopicPartition",
    "check_columns",
    "check_frozen_end",
    "empty_table",
    "kafka_options",
    "kafka_schema",
    "offsets_behind",
    "offsets_json",
    "parse_offsets",
    "producer_properties",
    "prorated",
    "require_client",
    "total_behind",
]

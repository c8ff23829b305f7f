"""The Kafka sink: every batch's rows as records, at least once as Spark's, or exactly once if asked for.

Exactly once is the option `cauce.exactlyOnce`: a batch is one Kafka transaction, and the number of the
batch is committed in the same transaction, as the offset of a consumer group named after the query. What
is there is read back before anything is written. Readers must use `isolation.level=read_committed`.
"""

import functools

import pyarrow as pa

from cauce.conf import parse_boolean
from cauce.errors import AnalysisException
from cauce.kafka import (
    Client,
    KafkaWriter,
    Sender,
    TopicPartition,
    check_columns,
    producer_properties,
    require_client,
)
from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["KafkaSink"]

EXACTLY_ONCE = "cauce.exactlyOnce"


class KafkaSink:
    """At least once: a batch that is repeated after a crash is written again, as Spark does."""

    output_modes: tuple[str, ...] = ("append", "update", "complete")

    def __new__(cls, options: SinkOptions, context: SinkContext) -> "KafkaSink":
        exactly_once = parse_boolean(options.get(EXACTLY_ONCE) or "false")
        return object.__new__(ExactlyOnceKafkaSink if exactly_once and cls is KafkaSink else cls)

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        self._properties = producer_properties(options.options)
        topic = options.get("topic")
        self._topic = None if topic is None else topic.strip()
        self._query_id = context.query_id
        check_columns(context.schema, self._topic)
        require_client()

    def description(self) -> str:
        return "org.apache.spark.sql.kafka010.KafkaSourceProvider$KafkaTable"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        self._write(table)
        return table.num_rows

    def stop(self) -> None:
        if "_sender" in self.__dict__:
            self.__dict__.pop("_sender").close()

    @functools.cached_property
    def _sender(self) -> Sender:
        return Sender(self._properties)

    def _write(self, table: pa.Table) -> None:
        if table.num_rows:
            writer = KafkaWriter(self._sender, self._topic)
            writer.write(table)
            writer.flush()


class ExactlyOnceKafkaSink(KafkaSink):
    """A batch and its number become visible together; a second process with the same query is shut out."""

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        super().__init__(options, context)
        if self._topic is None:
            raise AnalysisException(
                None,
                f"The option {EXACTLY_ONCE} needs the option topic: the number of a batch is kept there.",
            )
        self._mark = TopicPartition(self._topic, 0)

    def latest_batch_id(self) -> int:
        return self._latest_batch_id

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        if batch_id > self._latest_batch_id and table.num_rows:
            marks = {self._mark: batch_id + 1}
            self._sender.transact(lambda: self._write(table), marks, self._group.group())
            self._latest_batch_id = batch_id
        return table.num_rows

    def stop(self) -> None:
        super().stop()
        if "_group" in self.__dict__:
            self.__dict__.pop("_group").close()

    @functools.cached_property
    def _sender(self) -> Sender:
        sender = Sender(self._properties, transactional_id=f"cauce-{self._query_id}")
        sender.init_transactions()
        return sender

    @functools.cached_property
    def _group(self) -> Client:
        return Client(self._properties, f"cauce-sink-{self._query_id}")

    @functools.cached_property
    def _latest_batch_id(self) -> int:
        """The number that is there once no transaction of an earlier run can change it any more."""
        assert self._sender is not None
        return self._group.committed([self._mark]).get(self._mark, 0) - 1

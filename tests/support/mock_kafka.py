"""A Kafka broker inside the test's process: the mock of the client library, good for reading and writing.

It makes topics of four partitions when they are first named. It knows nothing of times, transactions,
retention or deleted topics; what needs those is tested on a real broker (`make integration`).
"""

from collections.abc import Iterable

from confluent_kafka import Consumer, Producer, TopicPartition

__all__ = ["MockKafka"]

PARTITIONS = 4


class MockKafka:
    """One broker; closing it ends it."""

    def __init__(self) -> None:
        self._producer = Producer(
            {"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 2, "linger.ms": 0}
        )
        [broker] = self._producer.list_topics(timeout=10).brokers.values()
        self.servers = f"{broker.host}:{broker.port}"

    def create(self, topic: str) -> None:
        """An empty topic."""
        assert self._producer.list_topics(topic, timeout=10).topics[topic].error is None

    def send(
        self,
        topic: str,
        values: Iterable[bytes | str | None],
        *,
        partition: int = 0,
        key: bytes | None = None,
        headers: list[tuple[str, bytes | None]] | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """Records that are there when this returns."""
        for value in values:
            self._producer.produce(
                topic, value, key, partition=partition, headers=headers, timestamp=timestamp_ms
            )
        assert self._producer.flush(10) == 0

    def records(self, topic: str) -> list[tuple[int, bytes | None, bytes | None, list | None]]:
        """(partition, key, value, headers) of everything in the topic, by partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": "test",
                "enable.partition.eof": True,
                "log_level": 2,
            }
        )
        partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found, open_partitions = [], set(partitions)
        while open_partitions:
            for message in consumer.consume(100, 0.05):
                if message.error() is not None:
                    open_partitions.discard(message.partition())
                else:
                    found.append((message.partition(), message.key(), message.value(), message.headers()))
        consumer.close()
        return sorted(found, key=lambda record: record[0])

    def close(self) -> None:
        self._producer.close()

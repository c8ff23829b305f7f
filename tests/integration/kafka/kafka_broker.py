"""A real Kafka broker in KRaft mode: its own folder, free ports, and any number of restarts."""

import base64
import functools
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path
from typing import Self

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

__all__ = ["JARS", "KafkaBroker", "Record"]

JARS = Path(__file__).resolve().parents[3] / "build" / "jars"
START_S_MAX = 60
Record = tuple[int, bytes | None, bytes | None]
"""Partition, key, value."""

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""


class KafkaBroker:
    """`with KafkaBroker(folder) as kafka:` then `kafka.servers`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        port, controller = free_port(), free_port()
        self.servers = f"127.0.0.1:{port}"
        self._address = ("127.0.0.1", port)
        self._config = folder / "server.properties"
        self._config.write_text(PROPERTIES.format(port=port, controller=controller, folder=folder))
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._java("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._config)).wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Run until connections are answered."""
        self._process = self._java("kafka.Kafka", str(self._config))
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                AdminClient({"bootstrap.servers": self.servers, "log_level": 0}).list_topics(timeout=1)
                return
            except KafkaException:
                time.sleep(0.1)
        raise RuntimeError(f"Kafka did not start:\n{(self._folder / 'log').read_text()[-3000:]}")

    def stop(self) -> None:
        """A clean end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    # -- topics and records ------------------------------------------------------------------------

    @functools.cached_property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.servers, "log_level": 2})

    def create(self, topic: str, partitions: int = 1, **config: str) -> None:
        self.admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(30)
        self._await(topic, partitions)

    def grow(self, topic: str, partitions: int) -> None:
        """More partitions."""
        self.admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(30)
        self._await(topic, partitions)

    def delete(self, topic: str) -> None:
        self.admin.delete_topics([topic])[topic].result(30)
        while topic in self.admin.list_topics(timeout=10).topics:
            time.sleep(0.05)

    def forget(self, topic: str, before: int, partition: int = 0) -> None:
        """What retention does: records before this offset are gone."""
        [done] = self.admin.delete_records([TopicPartition(topic, partition, before)]).values()
        done.result(30)

    def send(
        self,
        topic: str,
        values: list[str],
        *,
        partition: int = 0,
        key: str | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        producer = Producer({"bootstrap.servers": self.servers, "log_level": 2})
        for value in values:
            producer.produce(topic, value, key, partition=partition, timestamp=timestamp_ms)
        assert producer.flush(60) == 0

    def records(self, topic: str, *, committed: bool = True) -> list[Record]:
        """Everything in the topic, by partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": "test",
                "enable.partition.eof": True,
                "isolation.level": "read_committed" if committed else "read_uncommitted",
                "log_level": 2,
            }
        )
        still_open = set(consumer.list_topics(topic, timeout=30).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in still_open])
        found: list[Record] = []
        while still_open:
            for message in consumer.consume(1000, 0.1):
                if message.error() is None:
                    found.append((message.partition(), message.key(), message.value()))
                else:
                    still_open.discard(message.partition())
        consumer.close()
        return sorted(found, key=lambda record: record[0])

    def values(self, topic: str) -> list[str]:
        """The committed values as text, by partition."""
        return [value.decode() for _, _, value in self.records(topic) if value is not None]

    def _await(self, topic: str, partitions: int) -> None:
        while True:
            described = self.admin.list_topics(topic, timeout=10).topics[topic]
            if len(described.partitions) == partitions and all(
                p.leader >= 0 for p in described.partitions.values()
            ):
                return
            time.sleep(0.05)

    def _java(self, *command: str) -> subprocess.Popen[bytes]:
        java = shutil.which("java")
        jars = JARS / "kafka-broker"
        if java is None or not jars.exists():
            raise RuntimeError("A Kafka broker needs Java 17 and its jars: run `make integration`.")
        with open(self._folder / "log", "ab") as log:
            return subprocess.Popen([java, "-Xmx512m", "-cp", f"{jars}/*", *command], stdout=log, stderr=log)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]

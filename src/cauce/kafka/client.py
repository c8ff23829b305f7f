"""The Kafka client library, behind a few verbs: the one file that imports it.

`Client` reads and asks; `Sender` writes. Both raise Spark's exceptions with the library's words.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cauce.errors import (
    AnalysisException,
    ExecutionException,
    IllegalArgumentException,
    SparkError,
    TimeoutException,
)
from cauce.kafka.offsets import EARLIEST, LATEST, Offsets, TopicPartition
from cauce.kafka.properties import API_TIMEOUT, MAX_BLOCK, MAX_POLL_RECORDS, client_properties

if TYPE_CHECKING:
    from confluent_kafka import Message

__all__ = ["Client", "Event", "Sender", "Taken", "require_client"]

API_TIMEOUT_S = 60.0
RECORDS_PER_TAKE = 20_000
"""Enough for a take to be cheap, few enough for the garbage collector."""
RECORDS_PER_TAKE_MIN = 500
"""Records that come early are kept for the next read, so small takes are not worth their overhead."""

CONSUMER = {
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "auto.offset.reset": "error",
    # The end of a partition is the only sign that nothing but markers of transactions is left to read.
    "enable.partition.eof": "true",
    "queued.min.messages": "500000",
    "fetch.queue.backoff.ms": "5",
    # As in Java, where reading is not committed unless asked for.
    "isolation.level": "read_uncommitted",
}
"""What a read needs, unless the user says otherwise; the queue's 64 MB bound is the library's."""

PRODUCER: dict[str, Any] = {
    "acks": "all",
    # Java's partitioner: the same key goes to the same partition, whoever writes.
    "partitioner": "murmur2_random",
    "delivery.report.only.error": True,
    "queue.buffering.max.messages": "500000",
}

TRANSACTION_ATTEMPTS_MAX = 5
COORDINATOR_ATTEMPTS_MAX = 60
COORDINATOR_WAIT_S = 0.5

log = logging.getLogger("cauce.kafka")


@dataclass(frozen=True)
class Event:
    """Something a partition told instead of a record."""

    partition: TopicPartition
    offset: int
    kind: str
    """`end`: no record before `offset` is left; `lost`: the offset is not there; `fatal`; `error`."""
    text: str


@dataclass(frozen=True)
class Taken:
    """Records of any assigned partitions, each partition's in order, and what else they told."""

    messages: "Sequence[Message]"
    events: Sequence[Event]


class Client:
    """A consumer that is told what to read, and never by the broker."""

    def __init__(self, properties: Mapping[str, str], group_id: str) -> None:
        self._kafka = _library()
        self._api_timeout_s = _seconds(properties.get(API_TIMEOUT), API_TIMEOUT_S)
        self._take_max = int(properties.get(MAX_POLL_RECORDS, RECORDS_PER_TAKE))
        self._told: Offsets | None = None
        chosen = CONSUMER | client_properties(properties) | {"group.id": group_id}
        with _translated(self._kafka):
            self._consumer = self._kafka.Consumer(
                {**chosen, "logger": log, "error_cb": _log_error, "on_commit": self._commit_ended}
            )

    def topics(self) -> list[str]:
        """The names of all topics."""
        with _translated(self._kafka):
            return list(self._consumer.list_topics(timeout=self._api_timeout_s).topics)

    def partitions(self, topics: Iterable[str]) -> set[TopicPartition]:
        """The partitions of topics that must be there."""
        found: set[TopicPartition] = set()
        for topic in topics:
            with _translated(self._kafka):
                described = self._consumer.list_topics(topic, timeout=self._api_timeout_s).topics[topic]
                if described.error is not None:
                    raise self._kafka.KafkaException(described.error)
            found |= {TopicPartition(topic, partition) for partition in described.partitions}
        return found

    def offsets(self, wanted: Offsets) -> Offsets:
        """What is asked is, by partition, LATEST, EARLIEST or a time in ms; LATEST answers one too late."""
        if not wanted:
            return {}
        asked = [self._kafka.TopicPartition(*partition, offset) for partition, offset in wanted.items()]
        with _translated(self._kafka):
            answers = self._consumer.offsets_for_times(asked, timeout=self._api_timeout_s)
            for answer in answers:
                if answer.error is not None:
                    raise self._kafka.KafkaException(answer.error)
        return {TopicPartition(each.topic, each.partition): each.offset for each in answers}

    def latest(self, partitions: Iterable[TopicPartition]) -> Offsets:
        return self.offsets(dict.fromkeys(partitions, LATEST))

    def earliest(self, partitions: Iterable[TopicPartition]) -> Offsets:
        return self.offsets(dict.fromkeys(partitions, EARLIEST))

    def assign(self, positions: Offsets) -> None:
        """From now on records of these partitions are fetched, from these offsets, and no others."""
        with _translated(self._kafka):
            self._consumer.assign(
                [self._kafka.TopicPartition(*partition, offset) for partition, offset in positions.items()]
            )

    def take(self, count: int, timeout_s: float) -> Taken:
        """What has been fetched, about `count`; waits for a first record or event if nothing has."""
        with _translated(self._kafka):
            taken = self._consumer.consume(min(max(count, RECORDS_PER_TAKE_MIN), self._take_max), 0)
            if not taken:
                taken = self._consumer.consume(1, timeout_s)
        if not any(map(self._kafka.Message.error, taken)):
            return Taken(taken, ())
        return Taken(
            [message for message in taken if message.error() is None],
            [self._event(message) for message in taken if message.error() is not None],
        )

    def tell(self, offsets: Offsets) -> None:
        """Commit to the group in the background; a failure is logged, and the next call tries again."""
        try:
            self._consumer.poll(0)  # Hears how the last commit went. This consumer reads nothing.
            if offsets != self._told:
                self._told = offsets
                told = [
                    self._kafka.TopicPartition(*partition, offset) for partition, offset in offsets.items()
                ]
                self._consumer.commit(offsets=told, asynchronous=True)
        except self._kafka.KafkaException as error:
            self._commit_ended(error, [])

    def committed(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """What the group has committed, for partitions where it has."""
        asked = [self._kafka.TopicPartition(*partition) for partition in partitions]
        with _translated(self._kafka):
            answers = self._ask_coordinator(asked)
        return {
            TopicPartition(each.topic, each.partition): each.offset for each in answers if each.offset >= 0
        }

    def _ask_coordinator(self, asked: list[Any]) -> list[Any]:
        """Asked again while the group has no coordinator yet: its broker is starting or has changed."""
        error = self._kafka.KafkaError
        absent = (
            error.NOT_COORDINATOR,
            error.COORDINATOR_LOAD_IN_PROGRESS,
            error.COORDINATOR_NOT_AVAILABLE,
        )
        for attempt in range(1, COORDINATOR_ATTEMPTS_MAX + 1):
            try:
                return self._consumer.committed(asked, timeout=self._api_timeout_s)
            except self._kafka.KafkaException as failure:
                if failure.args[0].code() not in absent or attempt == COORDINATOR_ATTEMPTS_MAX:
                    raise
                time.sleep(COORDINATOR_WAIT_S)
        raise AssertionError("the last attempt returns or raises")

    def group(self) -> object:
        """The group, as a transaction wants it."""
        return self._consumer.consumer_group_metadata()

    def close(self) -> None:
        self._consumer.close()

    def _commit_ended(self, error: Any, _: Any) -> None:
        if error is not None:
            log.warning("Offsets were not committed to the group: %s", error)
            self._told = None

    def _event(self, message: "Message") -> Event:
        error = message.error()
        assert error is not None
        errors = self._kafka.KafkaError
        kinds = {
            errors._PARTITION_EOF: "end",
            errors._AUTO_OFFSET_RESET: "lost",
            errors.OFFSET_OUT_OF_RANGE: "lost",
        }
        unknown = "fatal" if error.fatal() or "AUTH" in error.name() else "error"
        partition = TopicPartition(message.topic() or "", message.partition() or 0)
        return Event(partition, message.offset() or 0, kinds.get(error.code(), unknown), error.str())


class Sender:
    """A producer. Records are sent in the background until `flush` says that all have arrived."""

    def __init__(self, properties: Mapping[str, str], transactional_id: str | None = None) -> None:
        self._kafka = _library()
        self._api_timeout_s = _seconds(properties.get(MAX_BLOCK), API_TIMEOUT_S)
        chosen = PRODUCER | client_properties(properties)
        if transactional_id is not None:
            chosen |= {"transactional.id": transactional_id, "enable.idempotence": "true"}
        elif chosen["acks"] in ("all", "-1"):
            chosen.setdefault("enable.idempotence", "true")
        self._failure: Any = None
        with _translated(self._kafka):
            self._producer = self._kafka.Producer(
                {**chosen, "logger": log, "error_cb": _log_error, "on_delivery": self._delivered}
            )

    def send(self, topic: str, value: bytes | None, key: bytes | None, partition: int, headers: Any) -> None:
        """Hand one record to the sending thread, waiting while its queue is full."""
        while True:
            try:
                if headers is None:
                    self._producer.produce(topic, value, key, partition)
                else:
                    self._producer.produce(topic, value, key, partition, headers=headers)
                return
            except BufferError:
                self._producer.poll(0.1)
                self.check()
            except self._kafka.KafkaException as error:
                raise _as_spark(error) from None

    def flush(self) -> None:
        """Wait until every record has arrived; raises what kept one from it."""
        with _translated(self._kafka):
            self._producer.flush()
        self.check()

    def check(self) -> None:
        """Raise what went wrong with a record sent earlier."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise _as_spark(self._kafka.KafkaException(failure))

    def init_transactions(self) -> None:
        """End what an earlier producer of the same id left open, and shut that producer out."""
        with _translated(self._kafka):
            self._persist(self._producer.init_transactions, self._api_timeout_s)

    def transact(self, write: Callable[[], None], mark: Offsets, group: object) -> None:
        """`write()` and the offsets of the group become visible together, or not at all."""
        with _translated(self._kafka):
            self._producer.begin_transaction()
            try:
                write()
                offsets = [
                    self._kafka.TopicPartition(*partition, offset) for partition, offset in mark.items()
                ]
                send = self._producer.send_offsets_to_transaction
                self._persist(send, offsets, group, self._api_timeout_s)
                self._persist(self._producer.commit_transaction, self._api_timeout_s)
            except Exception:
                with contextlib.suppress(self._kafka.KafkaException):
                    self._producer.abort_transaction(self._api_timeout_s)
                raise

    def close(self) -> None:
        """Forget what was not flushed."""
        self._producer.purge()
        self._producer.close()

    def _persist(self, step: Callable[..., None], *arguments: object) -> None:
        """Ask again while the library calls that safe: a broker that restarts takes its time."""
        for attempt in range(1, TRANSACTION_ATTEMPTS_MAX + 1):
            try:
                return step(*arguments)
            except self._kafka.KafkaException as error:
                if not error.args[0].retriable() or attempt == TRANSACTION_ATTEMPTS_MAX:
                    raise

    def _delivered(self, error: Any, _: Any) -> None:
        self._failure = self._failure or error


def _log_error(error: Any) -> None:
    """What the library cannot cure by itself also fails the call that needed it."""
    log.info("%s", error)


def require_client() -> None:
    """Say now, rather than later, that the client library is not installed."""
    _library()


def _library() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        raise AnalysisException(
            None,
            'Failed to find data source: kafka. Its client is not installed: pip install "cauce[kafka]".',
        ) from None
    return confluent_kafka


def _seconds(text_ms: str | None, default_s: float) -> float:
    return default_s if text_ms is None else int(text_ms) / 1000


@contextlib.contextmanager
def _translated(kafka: Any) -> Iterator[None]:
    try:
        yield
    except kafka.KafkaException as error:
        raise _as_spark(error) from None
    except SystemError as error:
        # A fatal error that arrives while callbacks are called comes as the cause of another one.
        if not isinstance(error.__cause__, kafka.KafkaException):
            raise
        raise _as_spark(error.__cause__) from None


def _as_spark(error: Any) -> SparkError:
    """The library's error as a Java client's would reach the user."""
    cause = error.args[0]
    name, text = cause.name(), cause.str()
    if name == "_INVALID_ARG":
        return IllegalArgumentException(None, f"Kafka refused the options: {text}.")
    if name in ("_TIMED_OUT", "_MSG_TIMED_OUT", "_ALL_BROKERS_DOWN"):
        return TimeoutException(None, f"Kafka did not answer in time: {text}.")
    if name in ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"):
        java_class = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException"
        return ExecutionException(None, f"{java_class}: This server does not host this topic-partition.")
    return SparkError(None, f"Kafka: {text} ({name}).")

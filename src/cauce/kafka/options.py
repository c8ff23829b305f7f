"""The options of a Kafka read, checked in Spark's words.

Source: KafkaSourceProvider.scala of Apache Spark 4.2.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from cauce.conf import parse_boolean, parse_integer, parse_time_ms
from cauce.errors import IllegalArgumentException
from cauce.kafka.limits import EARLIEST_LIMIT, LATEST_LIMIT, Limit, limit_of
from cauce.kafka.offsets import EARLIEST, LATEST, Offsets
from cauce.kafka.strategy import Strategy, strategy_of

__all__ = ["KafkaOptions", "kafka_options", "kafka_properties"]

AUTO_OFFSET_RESET = """
Kafka option 'auto.offset.reset' is not supported.
Instead set the source option 'startingoffsets' to 'earliest' or 'latest'
to specify where to start. Structured Streaming manages which offsets are consumed
internally, rather than relying on the kafkaConsumer to do it. This will ensure that no
data is missed when new topics/partitions are dynamically subscribed. Note that
'startingoffsets' only applies when a new Streaming query is started, and
that resuming will always pick up from where the query left off. See the docs for more
details.
         """
REFUSED = {
    "auto.offset.reset": AUTO_OFFSET_RESET,
    "key.deserializer": "Kafka option 'key.deserializer' is not supported as keys are deserialized as byte "
    "arrays with ByteArrayDeserializer. Use DataFrame operations to explicitly deserialize the keys.",
    "value.deserializer": "Kafka option 'value.deserializer' is not supported as values are deserialized as "
    "byte arrays with ByteArrayDeserializer. Use DataFrame operations to explicitly deserialize the values.",
    "enable.auto.commit": "Kafka option 'enable.auto.commit' is not supported",
    "interceptor.classes": "Kafka option 'interceptor.classes' is not supported",
}


@dataclass(frozen=True)
class KafkaOptions:
    """What the user asked for; `properties` are the options that began with `kafka.`, without it."""

    strategy: Strategy
    properties: Mapping[str, str]
    group_id: str
    starting: Limit
    ending: Limit
    fail_on_data_loss: bool
    include_headers: bool
    offsets_max: int | None
    offsets_min: int | None
    trigger_delay_ms_max: int
    fetch_attempts_max: int
    fetch_interval_ms: int
    poll_timeout_ms: int
    commit_group: str | None
    """A consumer group that is told how far the query is, for tools that measure lag."""


def kafka_options(options: Mapping[str, str], *, streaming: bool) -> KafkaOptions:
    """The options of `readStream` or, not `streaming`, of `read`."""
    given = _Given(options)
    if streaming:
        _refuse_endings(given)
    else:
        _check_batch(
            limit_of(given.get, "starting", EARLIEST_LIMIT), limit_of(given.get, "ending", LATEST_LIMIT)
        )
    properties = kafka_properties(options)
    prefix = given.get("groupIdPrefix") or f"spark-kafka-{'source' if streaming else 'relation'}"
    strategy = strategy_of(given.get)
    _check_splits(given)
    _check_properties(properties)
    _check_trigger(given)
    return KafkaOptions(
        strategy=strategy,
        properties=properties,
        group_id=properties.get("group.id") or f"{prefix}-{uuid.uuid4()}-executor",
        starting=limit_of(given.get, "starting", LATEST_LIMIT if streaming else EARLIEST_LIMIT),
        ending=LATEST_LIMIT if streaming else limit_of(given.get, "ending", LATEST_LIMIT),
        fail_on_data_loss=given.flag("failOnDataLoss", True),
        include_headers=given.flag("includeHeaders", False),
        offsets_max=given.integer("maxOffsetsPerTrigger"),
        offsets_min=given.integer("minOffsetsPerTrigger"),
        trigger_delay_ms_max=parse_time_ms(given.get("maxTriggerDelay") or "15m", default_unit="ms"),
        fetch_attempts_max=given.integer("fetchOffset.numRetries") or 3,
        fetch_interval_ms=given.integer("fetchOffset.retryIntervalMs", 1000) or 0,
        poll_timeout_ms=given.integer("kafkaConsumer.pollTimeoutMs") or 120_000,
        commit_group=given.get("cauce.commitGroup"),
    )


def kafka_properties(options: Mapping[str, str]) -> dict[str, str]:
    """The options that Spark hands to the Kafka client."""
    return {name[6:]: value for name, value in options.items() if name.lower().startswith("kafka.")}


class _Given:
    """Options by name, whatever the case."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = {name.lower(): value for name, value in options.items()}

    def get(self, name: str) -> str | None:
        return self._options.get(name.lower())

    def integer(self, name: str, default: int | None = None) -> int | None:
        text = self.get(name)
        return default if text is None else parse_integer(text)

    def flag(self, name: str, default: bool) -> bool:
        text = self.get(name)
        if text is not None and text.lower() not in ("true", "false"):
            raise IllegalArgumentException(None, f'For input string: "{text}"')
        return default if text is None else parse_boolean(text)


def _refuse_endings(given: _Given) -> None:
    if given.get("endingOffsets") is not None:
        raise IllegalArgumentException(None, "ending offset not valid in streaming queries")
    if given.get("endingOffsetsByTimestamp") is not None:
        raise IllegalArgumentException(None, "ending timestamp not valid in streaming queries")


def _check_batch(starting: Limit, ending: Limit) -> None:
    if starting.everywhere == LATEST:
        raise IllegalArgumentException(None, "starting offset can't be latest for batch queries on Kafka")
    for partition, offset in (starting.offsets or {}).items():
        if offset == LATEST:
            raise IllegalArgumentException(
                None, f"startingOffsets for {partition} can't be latest for batch queries on Kafka"
            )
    if ending.everywhere == EARLIEST:
        raise IllegalArgumentException(None, "ending offset can't be earliest for batch queries on Kafka")
    for partition, offset in (ending.offsets or {}).items():
        if offset == EARLIEST:
            raise IllegalArgumentException(
                None, f"ending offset for {partition} can't be earliest for batch queries on Kafka"
            )
    _check_order(starting.offsets, ending.offsets, "offset")
    _check_order(starting.timestamps_ms, ending.timestamps_ms, "timestamp")


def _check_order(starting: Offsets | None, ending: Offsets | None, kind: str) -> None:
    if starting is None or ending is None:
        return
    if starting.keys() != ending.keys():
        raise IllegalArgumentException(
            "MISMATCHED_TOPIC_PARTITIONS_BETWEEN_START_OFFSET_AND_END_OFFSET",
            tpsForStartOffset=", ".join(map(str, starting)),
            tpsForEndOffset=", ".join(map(str, ending)),
        )
    for partition, start in starting.items():
        if 0 <= ending[partition] < start:
            raise IllegalArgumentException(
                "UNRESOLVED_START_OFFSET_GREATER_THAN_END_OFFSET",
                offsetType=kind,
                startOffset=start,
                endOffset=ending[partition],
                topic=partition.topic,
                partition=partition.partition,
            )


def _check_splits(given: _Given) -> None:
    """How Spark cuts ranges into tasks; there are no tasks here, so these are checked and change nothing."""
    for name, shown in (
        ("minPartitions", "minPartitions"),
        ("maxRecordsPerPartition", "maxrecordsperpartition"),
    ):
        count = given.integer(name)
        if count is not None and count <= 0:
            raise IllegalArgumentException(None, f"{shown} must be positive")


def _check_properties(properties: Mapping[str, str]) -> None:
    for name in properties:
        if name.lower() in REFUSED:
            raise IllegalArgumentException(None, REFUSED[name.lower()])
    if "bootstrap.servers" not in properties:
        raise IllegalArgumentException(
            None, "Option 'kafka.bootstrap.servers' must be specified for configuring Kafka consumer"
        )


def _check_trigger(given: _Given) -> None:
    least, most = given.integer("minOffsetsPerTrigger"), given.integer("maxOffsetsPerTrigger")
    if least is not None and most is not None and least > most:
        raise IllegalArgumentException(
            None,
            f"The value of minOffsetPerTrigger({least}) is higher than the maxOffsetsPerTrigger({most}).",
        )

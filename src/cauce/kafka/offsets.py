"""Positions in topics: partitions, their next offsets, and the JSON in which Spark writes both."""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cauce.errors import IllegalArgumentException

__all__ = [
    "EARLIEST",
    "LATEST",
    "Offsets",
    "TopicPartition",
    "offsets_json",
    "parse_offsets",
    "parse_partitions",
    "parse_timestamps",
    "set_text",
]

LATEST = -1
"""In offset JSON: the end of a partition."""
EARLIEST = -2
"""In offset JSON: the oldest record a partition still has."""

OFFSETS_EXAMPLE = '{"topicA":{"0":23,"1":-1},"topicB":{"0":-2}}'
TIMESTAMPS_EXAMPLE = (
    '{"topicA": {"0": 123456789, "1": 123456789},\n"topicB": {"0": 123456789, "1": 123456789}}'
)
PARTITIONS_EXAMPLE = '{"topicA":[0,1],"topicB":[0,1]}'


class TopicPartition(NamedTuple):
    """One partition of one topic, printed as Kafka does."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


Offsets = dict[TopicPartition, int]
"""By partition: the offset of the next record, one past the last one read."""


def offsets_json(offsets: Mapping[TopicPartition, int]) -> str:
    """`{"topic":{"0":23}}`, sorted, without spaces."""
    topics: dict[str, dict[str, int]] = {}
    for partition in sorted(offsets):
        topics.setdefault(partition.topic, {})[str(partition.partition)] = offsets[partition]
    return json.dumps(topics, separators=(",", ":"), ensure_ascii=False)


def parse_offsets(text: str) -> Offsets:
    """The offsets in a JSON text; -1 is latest and -2 earliest."""
    return _parse_numbers(text, OFFSETS_EXAMPLE)


def parse_timestamps(text: str) -> Offsets:
    """The milliseconds in a JSON text, by partition."""
    return _parse_numbers(text, TIMESTAMPS_EXAMPLE)


def parse_partitions(text: str) -> tuple[TopicPartition, ...]:
    """The partitions in a JSON text such as `{"topic":[0,1]}`."""
    try:
        return tuple(
            TopicPartition(topic, _whole(partition))
            for topic, partitions in json.loads(text).items()
            for partition in partitions
        )
    except (ValueError, TypeError, AttributeError):
        raise _expected(PARTITIONS_EXAMPLE, text) from None


def set_text(partitions: Iterable[TopicPartition]) -> str:
    """As Spark's messages print a set of partitions."""
    return f"Set({', '.join(map(str, sorted(partitions)))})"


def _parse_numbers(text: str, example: str) -> Offsets:
    try:
        return {
            TopicPartition(topic, int(partition)): _whole(number)
            for topic, numbers in json.loads(text).items()
            for partition, number in numbers.items()
        }
    except (ValueError, TypeError, AttributeError):
        raise _expected(example, text) from None


def _whole(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError(number)
    return number


def _expected(example: str, text: str) -> IllegalArgumentException:
    return IllegalArgumentException(None, f"Expected e.g. {example}, got {text}")

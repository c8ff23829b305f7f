"""Which partitions a source reads: given ones, those of given topics, or of topics whose name matches."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from cauce.errors import IllegalArgumentException
from cauce.kafka.client import Client
from cauce.kafka.offsets import TopicPartition, parse_partitions

__all__ = ["Assign", "Strategy", "Subscribe", "SubscribePattern", "strategy_of"]

INTERNAL_TOPICS = ("__consumer_offsets", "__transaction_state", "__share_group_state")


@dataclass(frozen=True)
class Assign:
    """These partitions, as far as they exist."""

    chosen: tuple[TopicPartition, ...]

    def partitions(self, client: Client) -> set[TopicPartition]:
        topics = sorted({partition.topic for partition in self.chosen})
        return client.partitions(topics) & set(self.chosen)

    def __str__(self) -> str:
        return f"Assign[{', '.join(map(str, self.chosen))}]"


@dataclass(frozen=True)
class Subscribe:
    """All partitions of these topics, also those that come later."""

    topics: tuple[str, ...]

    def partitions(self, client: Client) -> set[TopicPartition]:
        return client.partitions(self.topics)

    def __str__(self) -> str:
        return f"Subscribe[{', '.join(self.topics)}]"


@dataclass(frozen=True)
class SubscribePattern:
    """All partitions of all topics in whose name the pattern is found, also of topics that come later."""

    pattern: str

    def partitions(self, client: Client) -> set[TopicPartition]:
        found = re.compile(self.pattern)
        topics = [name for name in client.topics() if found.search(name) and name not in INTERNAL_TOPICS]
        return client.partitions(topics)

    def __str__(self) -> str:
        return f"SubscribePattern[{self.pattern}]"


Strategy = Assign | Subscribe | SubscribePattern


def strategy_of(get: Callable[[str], str | None]) -> Strategy:
    """The strategy the options name; exactly one must be there."""
    given = [(name, get(name)) for name in ("subscribe", "subscribePattern", "assign")]
    found = [(name, value) for name, value in given if value is not None]
    if len(found) != 1:
        raise IllegalArgumentException(
            None,
            f"{'Only one' if found else 'One'} of the following options {'can' if found else 'must'} be "
            "specified for Kafka source: subscribe, subscribepattern, assign. See the docs for more details.",
        )
    [(name, value)] = found
    return {"subscribe": _subscribe, "subscribePattern": _pattern, "assign": _assign}[name](value)


def _assign(value: str) -> Assign:
    if not value.strip().startswith("{"):
        raise IllegalArgumentException(
            None, f"No topicpartitions to assign as specified value for option 'assign' is '{value}'"
        )
    return Assign(parse_partitions(value))


def _subscribe(value: str) -> Subscribe:
    topics = tuple(topic.strip() for topic in value.split(",") if topic.strip())
    if not topics:
        raise IllegalArgumentException(
            None, f"No topics to subscribe to as specified value for option 'subscribe' is '{value}'"
        )
    return Subscribe(topics)


def _pattern(value: str) -> SubscribePattern:
    if not value.strip():
        raise IllegalArgumentException(
            None,
            f"Pattern to subscribe is empty as specified value for option 'subscribePattern' is '{value}'",
        )
    try:
        re.compile(value.strip())
    except re.error as error:
        raise IllegalArgumentException(None, f"'{value}' is no pattern: {error}") from None
    return SubscribePattern(value.strip())

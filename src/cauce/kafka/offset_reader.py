"""Asking the broker where partitions begin and end, until it answers or has been asked often enough.

Source: KafkaOffsetReaderAdmin.scala of Apache Spark 4.2.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from cauce.errors import IllegalArgumentException, IllegalStateException, SparkError
from cauce.kafka.client import Client
from cauce.kafka.limits import Limit
from cauce.kafka.offsets import EARLIEST, LATEST, Offsets, TopicPartition, set_text
from cauce.kafka.options import KafkaOptions

__all__ = ["OffsetReader"]

log = logging.getLogger("cauce.kafka")
Answer = TypeVar("Answer")


class OffsetReader:
    """Offsets of the partitions that the options choose."""

    def __init__(self, client: Client, options: KafkaOptions) -> None:
        self._client = client
        self._options = options

    def partitions(self) -> set[TopicPartition]:
        return self._retried(lambda: self._options.strategy.partitions(self._client))

    def latest(self, known: Offsets) -> Offsets:
        """The end of every partition.

        An end before a `known` offset is asked for again, because a broker that has just become leader
        may not know better yet; in the end it is believed (the topic was made anew).
        """
        found = self._retried(self._latest_once)
        for _ in range(1, self._options.fetch_attempts_max):
            if all(offset >= known.get(partition, 0) for partition, offset in found.items()):
                break
            self._pause()
            found = self._retried(self._latest_once)
        return found

    def earliest(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The oldest offset of those of the partitions that are still there."""
        wanted = set(partitions)
        if not wanted:
            return {}
        return self._retried(
            lambda: self._client.earliest(wanted & self._options.strategy.partitions(self._client))
        )

    def starting(self, limit: Limit) -> Offsets:
        """The first offsets of a stream."""
        return self._retried(lambda: self._resolve(limit, starting=True))

    def bounds(self) -> tuple[Offsets, Offsets]:
        """Where a batch read begins and ends."""
        begin = self._retried(lambda: self._resolve(self._options.starting, starting=True))
        end = self._retried(lambda: self._resolve(self._options.ending, starting=False))
        if begin.keys() != end.keys():
            raise IllegalStateException(
                None,
                f"different topic partitions for starting offsets topics[{_topics(begin)}] and "
                f"ending offsets topics[{_topics(end)}]",
            )
        for partition, start in begin.items():
            if start > end[partition]:
                raise IllegalStateException(
                    "RESOLVED_START_OFFSET_GREATER_THAN_END_OFFSET",
                    startOffset=start,
                    endOffset=end[partition],
                    topic=partition.topic,
                    partition=partition.partition,
                )
        return begin, end

    def _latest_once(self) -> Offsets:
        return self._client.latest(self._options.strategy.partitions(self._client))

    def _resolve(self, limit: Limit, *, starting: bool) -> Offsets:
        partitions = self._options.strategy.partitions(self._client)
        if limit.everywhere is not None:
            return self._client.offsets(dict.fromkeys(partitions, limit.everywhere))
        if limit.offsets is not None:
            _check_assigned(limit.offsets, partitions)
            wanted = limit.offsets
        else:
            wanted = self._by_time(limit, partitions, starting=starting)
        open_ends = {p: offset for p, offset in wanted.items() if offset in (LATEST, EARLIEST)}
        return wanted | self._client.offsets(open_ends)

    def _by_time(self, limit: Limit, partitions: set[TopicPartition], *, starting: bool) -> Offsets:
        """The first offset at or after the time; LATEST where there is none and that is allowed."""
        times = limit.timestamps_ms
        if times is None:
            times = dict.fromkeys(partitions, limit.timestamp_ms or 0)
        elif times.keys() != partitions:
            raise IllegalStateException(
                "KAFKA_TIMESTAMP_OFFSET_DOES_NOT_MATCH_ASSIGNED",
                position="start" if starting else "end",
                specifiedPartitions=set_text(times),
                assignedPartitions=set_text(partitions),
            )
        found = self._client.offsets(times)
        for partition, offset in found.items():
            if offset == LATEST and starting and not limit.latest_if_none:
                raise IllegalArgumentException(
                    None,
                    f"No offset matched from request of topic-partition {partition} and timestamp "
                    f"{times[partition]}.",
                )
        return found

    def _retried(self, ask: Callable[[], Answer]) -> Answer:
        for attempt in range(1, self._options.fetch_attempts_max + 1):
            try:
                return ask()
            except IllegalArgumentException:
                raise
            except SparkError as error:
                if attempt == self._options.fetch_attempts_max:
                    raise
                log.warning("Error in attempt %d getting Kafka offsets: %s", attempt, error)
                self._pause()
        raise AssertionError("at least one attempt is made")

    def _pause(self) -> None:
        time.sleep(self._options.fetch_interval_ms / 1000)


def _check_assigned(specified: Offsets, assigned: set[TopicPartition]) -> None:
    if specified.keys() != assigned:
        raise IllegalStateException(
            "KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED",
            specifiedPartitions=set_text(specified),
            assignedPartitions=set_text(assigned),
        )


def _topics(offsets: Offsets) -> str:
    return ",".join(sorted({partition.topic for partition in offsets}))

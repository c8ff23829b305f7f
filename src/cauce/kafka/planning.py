"""From offsets to a batch: how much of each partition, what has been lost, and how far behind it is.

Source: KafkaMicroBatchStream.scala and KafkaOffsetReader.scala of Apache Spark 4.2.
"""

import logging
import math
from decimal import Decimal

from cauce.errors import IllegalStateException, SparkError
from cauce.kafka.offsets import Offsets, TopicPartition, set_text
from cauce.kafka.options import KafkaOptions
from cauce.kafka.range_reader import OffsetRange

__all__ = ["DataLoss", "check_frozen_end", "offsets_behind", "prorated", "total_behind"]

log = logging.getLogger("cauce.kafka")


def prorated(limit: int, start: Offsets, latest: Offsets) -> Offsets:
    """At most about `limit` offsets after `start`, in proportion to what each partition has."""
    sizes = {p: end - start[p] for p, end in latest.items() if p in start and end > start[p]}
    total = sum(sizes.values())
    if total < 1:
        return latest
    return {
        p: _share(limit, sizes[p], total, start[p], end) if p in sizes else end for p, end in latest.items()
    }


def _share(limit: int, size: int, total: int, begin: int, end: int) -> int:
    share = limit * (size / float(total))
    # A small partition is not starved by large ones.
    return min(end, begin + (math.ceil(share) if share < 1 else math.floor(share)))


def total_behind(start: Offsets, latest: Offsets) -> int:
    """Offsets between two positions; a new partition counts from 0."""
    return sum(end - start.get(partition, 0) for partition, end in latest.items())


def offsets_behind(end: Offsets, latest: Offsets) -> dict[str, str]:
    """Spark's three metrics of how far a batch is from the newest records."""
    behind = [offset - end.get(partition, 0) for partition, offset in latest.items()]
    if not behind:
        return {}
    return {
        "avgOffsetsBehindLatest": _java_double(sum(behind) / len(behind)),
        "maxOffsetsBehindLatest": str(max(behind)),
        "minOffsetsBehindLatest": str(min(behind)),
    }


def check_frozen_end(frozen: Offsets, end: Offsets, latest: Offsets) -> None:
    """Refuse a batch of Trigger.AvailableNow whose partitions are not what they were when it began."""
    if frozen.keys() != end.keys():
        raise SparkError(
            "MISMATCHED_TOPIC_PARTITIONS_BETWEEN_END_OFFSET_AND_PREFETCHED",
            tpsForPrefetched=set_text(frozen),
            tpsForEndOffset=set_text(end),
        )
    if any(offset > frozen[partition] for partition, offset in end.items()):
        raise SparkError(
            "END_OFFSET_HAS_GREATER_OFFSET_FOR_TOPIC_PARTITION_THAN_PREFETCHED",
            prefetchedOffset=_map_text(frozen),
            endOffset=_map_text(end),
        )
    if not end.keys() <= latest.keys():
        raise SparkError(
            "LOST_TOPIC_PARTITIONS_IN_END_OFFSET_WITH_TRIGGER_AVAILABLENOW",
            tpsForLatestOffset=set_text(latest),
            tpsForEndOffset=set_text(end),
        )
    if any(offset > latest[partition] for partition, offset in end.items()):
        raise SparkError(
            "END_OFFSET_HAS_GREATER_OFFSET_FOR_TOPIC_PARTITION_THAN_LATEST_WITH_TRIGGER_AVAILABLENOW",
            latestOffset=_map_text(latest),
            endOffset=_map_text(end),
        )


class DataLoss:
    """Ranges of a batch; what cannot be in one any more ends the query, or is logged and left out."""

    def __init__(self, options: KafkaOptions) -> None:
        self._fails = options.fail_on_data_loss
        self._group_is_users = "group.id" in options.properties

    def ranges(self, start: Offsets, end: Offsets, added: Offsets) -> list[OffsetRange]:
        """`added` are the first offsets of partitions that only `end` knows."""
        self._check_added(end.keys() - start.keys(), added)
        self._check_deleted(start.keys() - end.keys())
        begin = start | added
        ranges = [OffsetRange(p, begin[p], offset) for p, offset in end.items() if p in begin]
        return [self._forward(each) for each in ranges]

    def _check_added(self, new: set[TopicPartition], added: Offsets) -> None:
        if new - added.keys():
            self._report(
                IllegalStateException(
                    "KAFKA_DATA_LOSS.INITIAL_OFFSET_NOT_FOUND_FOR_PARTITIONS",
                    partitions=set_text(new - added.keys()),
                )
            )
        for partition, offset in added.items():
            if offset != 0:
                self._report(
                    IllegalStateException(
                        "KAFKA_DATA_LOSS.ADDED_PARTITION_DOES_NOT_START_FROM_OFFSET_ZERO",
                        topicPartition=partition,
                        startOffset=offset,
                    )
                )

    def _check_deleted(self, deleted: set[TopicPartition]) -> None:
        if not deleted:
            return
        condition = "KAFKA_DATA_LOSS.PARTITIONS_DELETED"
        if self._group_is_users:
            self._report(
                IllegalStateException(
                    f"{condition}_AND_GROUP_ID_CONFIG_PRESENT",
                    partitions=set_text(deleted),
                    groupIdConfig="group.id",
                )
            )
        else:
            self._report(IllegalStateException(condition, partitions=set_text(deleted)))

    def _forward(self, each: OffsetRange) -> OffsetRange:
        """The range, or an empty one at its end if it goes backwards: the topic was made anew."""
        if each.end >= each.start:
            return each
        self._report(
            IllegalStateException(
                "KAFKA_DATA_LOSS.PARTITION_OFFSET_CHANGED",
                topicPartition=each.partition,
                prevOffset=each.start,
                newOffset=each.end,
            )
        )
        return OffsetRange(each.partition, each.end, each.end)

    def _report(self, loss: IllegalStateException) -> None:
        if self._fails:
            raise loss
        log.warning("%s", loss)


def _map_text(offsets: Offsets) -> str:
    return f"Map({', '.join(f'{partition} -> {offset}' for partition, offset in sorted(offsets.items()))})"


def _java_double(value: float) -> str:
    if value < 1e7:
        return repr(value)
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}E{int(exponent)}"

"""Reading ranges of offsets, one after the other, while the client fetches ahead in the background.

The client keeps fetching every partition of the last read. Records past the end of a range are kept for
the next one, so a stream that continues where it stopped never asks for anything twice.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cauce.errors import IllegalStateException, SparkError, TimeoutException
from cauce.kafka.client import Client, Event
from cauce.kafka.offsets import Offsets, TopicPartition
from cauce.kafka.options import KafkaOptions
from cauce.kafka.records import Chunk, arrow_schema, chunk_of

__all__ = ["OffsetRange", "RangeReader"]

log = logging.getLogger("cauce.kafka")

HELD_ROWS_MAX = 500_000
"""More rows than this of other ranges are not kept while one partition is waited for."""
WAIT_S = 0.1


@dataclass(frozen=True)
class OffsetRange:
    """The records of a partition from `start` up to, not including, `end`."""

    partition: TopicPartition
    start: int
    end: int


class RangeReader:
    """One consumer and what it has fetched too early. Not thread-safe."""

    def __init__(self, client: Client, options: KafkaOptions) -> None:
        self._client = client
        self._options = options
        self._schema = arrow_schema(options.include_headers)
        self._numbers: dict[TopicPartition, int] = {}
        self._next: Offsets = {}
        """By assigned partition: the end of the last range read; empty when all must be assigned anew."""
        self._held: list[Chunk] = []
        self.skipped = 0
        """Offsets that were not there any more and had to be left out."""

    def read(self, ranges: Sequence[OffsetRange]) -> pa.Table:
        """The records of all ranges, by topic, partition and offset."""
        ranges = sorted(ranges, key=lambda each: each.partition)
        if {r.partition: r.start for r in ranges} != self._next:
            self._assign({r.partition: r.start for r in ranges})
        reading = _Reading(ranges, self._numbers)
        held, self._held = self._held, []
        for chunk in held:
            self._keep(reading.add(chunk))
        self._fill(reading)
        self._next = {r.partition: r.end for r in ranges} if self._next else {}
        self._check_beginnings(reading)
        return reading.table(self._schema)

    def close(self) -> None:
        self._client.close()

    def _assign(self, positions: Offsets) -> None:
        self._held = []
        self._numbers = {partition: number for number, partition in enumerate(positions)}
        self._next = dict(positions)
        self._client.assign(positions)

    def _fill(self, reading: "_Reading") -> None:
        deadline = self._deadline()
        while missing := reading.missing():
            taken = self._client.take(missing, WAIT_S)
            if taken.messages:
                chunk = chunk_of(taken.messages, self._numbers, include_headers=self._options.include_headers)
                self._keep(reading.add(chunk))
                self._let_go(reading)
            for event in taken.events:
                self._note(event, reading)
            if taken.messages or taken.events:
                deadline = self._deadline()
            elif time.monotonic() > deadline:
                raise self._too_late(reading)

    def _keep(self, chunk: Chunk) -> None:
        if len(chunk.offsets):
            self._held.append(chunk)

    def _let_go(self, reading: "_Reading") -> None:
        """Stop fetching what is done, when it comes so fast that what is not done cannot get through."""
        if sum(len(chunk.offsets) for chunk in self._held) > HELD_ROWS_MAX:
            self._assign_open(reading)

    def _assign_open(self, reading: "_Reading") -> None:
        self._held, self._next = [], {}
        self._client.assign(reading.open_positions())

    def _note(self, event: Event, reading: "_Reading") -> None:
        if event.partition not in self._numbers:
            return
        if event.kind == "end":
            reading.reached(event.partition, event.offset)
        elif event.kind == "lost":
            self._recover(event.partition, reading)
        elif event.kind == "fatal":
            raise SparkError(None, f"Kafka: {event.text}")
        else:
            log.warning("%s: %s", event.partition, event.text)

    def _recover(self, partition: TopicPartition, reading: "_Reading") -> None:
        """The offset asked for is gone: end the query, or go on with the oldest there is."""
        wanted, end = reading.position(partition), reading.end(partition)
        if self._options.fail_on_data_loss:
            raise self._lost(partition, wanted, end)
        earliest = self._client.earliest([partition])[partition]
        latest = self._client.latest([partition])[partition]
        nothing_left = wanted >= latest or earliest >= end
        position = end if nothing_left else max(wanted, earliest)
        self.skipped += position - wanted
        reading.skip_to(partition, position)
        self._assign_open(reading)

    def _check_beginnings(self, reading: "_Reading") -> None:
        """Records that aged out between planning and reading; other gaps are markers or compaction."""
        late = reading.late_beginnings()
        if not late:
            return
        earliest = self._client.earliest(late)
        for partition, (start, first) in late.items():
            if earliest[partition] > start:
                if self._options.fail_on_data_loss:
                    raise self._lost(partition, start, reading.end(partition))
                self.skipped += min(first, earliest[partition]) - start

    def _deadline(self) -> float:
        return time.monotonic() + self._options.poll_timeout_ms / 1000

    def _lost(self, partition: TopicPartition, start: int, end: int) -> IllegalStateException:
        return IllegalStateException(
            "KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE",
            startOffset=start,
            endOffset=end,
            topicPartition=partition,
            groupId=self._options.group_id,
        )

    def _too_late(self, reading: "_Reading") -> TimeoutException:
        partition, offset = next(iter(reading.open_positions().items()))
        return TimeoutException(
            None,
            f"Cannot fetch record for offset {offset} of {partition} in {self._options.poll_timeout_ms} "
            "milliseconds",
        )


class _Reading:
    """The progress of one read: how far each partition is, and the rows so far."""

    def __init__(self, ranges: Sequence[OffsetRange], numbers: dict[TopicPartition, int]) -> None:
        self._ranges = ranges
        self._numbers = numbers
        self._starts = np.array([each.start for each in ranges], np.int64)
        self._ends = np.array([each.end for each in ranges], np.int64)
        self._positions = self._starts.copy()
        self._firsts = np.full(len(ranges), -1, np.int64)
        self._chunks: list[Chunk] = []

    def add(self, chunk: Chunk) -> Chunk:
        """Take the rows of these ranges; gives back those of later ones."""
        ours = chunk.offsets < self._ends[chunk.codes]
        wanted = chunk.select(ours & (chunk.offsets >= self._positions[chunk.codes]))
        codes, begins, counts = np.unique(wanted.codes, return_index=True, return_counts=True)
        if len(codes):
            fresh = self._firsts[codes] < 0
            self._firsts[codes[fresh]] = wanted.offsets[begins[fresh]]
            self._positions[codes] = wanted.offsets[begins + counts - 1] + 1
            self._chunks.append(wanted)
        later = chunk.select(~ours)
        self._positions[later.codes] = self._ends[later.codes]
        return later

    def missing(self) -> int:
        """Offsets not read yet; 0 when done."""
        return int((self._ends - self._positions).clip(0).sum())

    def reached(self, partition: TopicPartition, offset: int) -> None:
        """Nothing is left before this offset."""
        number = self._numbers[partition]
        self._positions[number] = max(self._positions[number], min(offset, self._ends[number]))

    def skip_to(self, partition: TopicPartition, offset: int) -> None:
        """What is before this offset is lost, and known to be."""
        self.reached(partition, offset)
        self._firsts[self._numbers[partition]] = self._starts[self._numbers[partition]]

    def position(self, partition: TopicPartition) -> int:
        return int(self._positions[self._numbers[partition]])

    def end(self, partition: TopicPartition) -> int:
        return int(self._ends[self._numbers[partition]])

    def open_positions(self) -> Offsets:
        """Where to go on, by partition that is not done."""
        return {
            each.partition: int(position)
            for each, position in zip(self._ranges, self._positions, strict=True)
            if position < each.end
        }

    def late_beginnings(self) -> dict[TopicPartition, tuple[int, int]]:
        """By partition whose first record came after the start of its range: that start, and the record."""
        return {
            each.partition: (each.start, int(first) if first >= 0 else each.end)
            for each, first in zip(self._ranges, self._firsts, strict=True)
            if each.end > each.start and first != each.start
        }

    def table(self, schema: pa.Schema) -> pa.Table:
        """The rows by partition; slices of what was taken, nothing is copied."""
        numbers = range(len(self._ranges) + 1)
        edges = [np.searchsorted(chunk.codes, numbers) for chunk in self._chunks]
        batches = [
            chunk.rows.slice(edge[number], edge[number + 1] - edge[number])
            for number in range(len(self._ranges))
            for chunk, edge in zip(self._chunks, edges, strict=True)
            if edge[number + 1] > edge[number]
        ]
        return pa.Table.from_batches(batches, schema)

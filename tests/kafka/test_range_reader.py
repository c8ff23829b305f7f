"""Reading ranges from a scripted client: gaps, ends without records, records that come early or are gone."""

from collections import deque

import pytest

from cauce.errors import SparkError
from cauce.kafka import OffsetRange, RangeReader, TopicPartition, kafka_options, range_reader
from cauce.kafka.client import Event, Taken


class Record:
    """A record as the client library hands it out."""

    def __init__(self, partition, offset, value=b"v", stamp_ms=5, headers=None, topic="t"):
        self._all = (topic, partition, offset, value, stamp_ms, headers)

    def topic(self):
        return self._all[0]

    def partition(self):
        return self._all[1]

    def offset(self):
        return self._all[2]

    def key(self):
        return None

    def value(self):
        return self._all[3]

    def timestamp(self):
        return (1, self._all[4])

    def headers(self):
        return self._all[5]


class ScriptedClient:
    """Gives out what it was told to, take by take, and remembers what it was asked."""

    def __init__(self, *takes, earliest=0, latest=100):
        self._takes = deque(takes)
        self.assigned = []
        self._earliest, self._latest = earliest, latest

    def assign(self, positions):
        self.assigned.append({str(partition): offset for partition, offset in positions.items()})

    def take(self, count, timeout_s):
        found = self._takes.popleft() if self._takes else []
        return Taken([r for r in found if isinstance(r, Record)], [e for e in found if isinstance(e, Event)])

    def earliest(self, partitions):
        return dict.fromkeys(partitions, self._earliest)

    def latest(self, partitions):
        return dict.fromkeys(partitions, self._latest)


def p(number):
    return TopicPartition("t", number)


def end(partition, offset):
    return Event(p(partition), offset, "end", "")


def reader(client, **options):
    given = {"kafka.bootstrap.servers": "x", "subscribe": "t", "kafkaConsumer.pollTimeoutMs": "1", **options}
    return RangeReader(client, kafka_options(given, streaming=True))


def read(rows, *ranges):
    table = rows.read([OffsetRange(p(number), start, stop) for number, start, stop in ranges])
    return list(zip(table["partition"].to_pylist(), table["offset"].to_pylist(), strict=True))


def test_records_come_by_partition_and_offset():
    client = ScriptedClient([Record(1, 0), Record(0, 0), Record(1, 1)], [Record(0, 1)])
    assert read(reader(client), (1, 0, 2), (0, 0, 2)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_what_comes_early_is_kept_for_the_next_range():
    client = ScriptedClient([Record(0, 0), Record(0, 1), Record(0, 2)], [Record(0, 3)])
    rows = reader(client)
    assert read(rows, (0, 0, 1)) == [(0, 0)]
    assert read(rows, (0, 1, 4)) == [(0, 1), (0, 2), (0, 3)]
    assert client.assigned == [{"t-0": 0}]


def test_a_range_read_again_is_fetched_again():
    client = ScriptedClient([Record(0, 0), Record(0, 1)], [Record(0, 0)])
    rows = reader(client)
    assert read(rows, (0, 0, 1)) == read(rows, (0, 0, 1)) == [(0, 0)]
    assert client.assigned == [{"t-0": 0}, {"t-0": 0}]


def test_a_range_may_end_in_markers_of_transactions():
    client = ScriptedClient([Record(0, 0)], [end(0, 3)])
    assert read(reader(client), (0, 0, 3)) == [(0, 0)]


def test_an_end_reached_before_more_came_is_not_the_end():
    client = ScriptedClient([end(0, 0)], [Record(0, 0), end(0, 1)])
    assert read(reader(client), (0, 0, 1)) == [(0, 0)]


def test_a_record_past_the_end_shows_that_the_range_is_done():
    client = ScriptedClient([Record(0, 0), Record(0, 7)])
    rows = reader(client)
    assert read(rows, (0, 0, 5)) == [(0, 0)]
    assert read(rows, (0, 5, 8)) == [(0, 7)]


def test_a_compacted_beginning_loses_nothing():
    client = ScriptedClient([Record(0, 4), Record(0, 5)], earliest=0)
    assert read(reader(client), (0, 2, 6)) == [(0, 4), (0, 5)]


def test_records_that_aged_out_end_the_query():
    client = ScriptedClient([Record(0, 4), Record(0, 5)], earliest=4)
    with pytest.raises(SparkError) as lost:
        read(reader(client), (0, 2, 6))
    assert lost.value.condition == "KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE"
    assert "offset [2, 6) for topic partition t-0" in str(lost.value)


def test_records_that_aged_out_are_counted_if_the_user_allows_it():
    rows = reader(ScriptedClient([Record(0, 4), Record(0, 5)], earliest=4), failOnDataLoss="false")
    assert read(rows, (0, 2, 6)) == [(0, 4), (0, 5)]
    assert rows.skipped == 2


def test_an_offset_that_is_gone_ends_the_query():
    lost = Event(p(0), 2, "lost", "out of range")
    with pytest.raises(SparkError, match="Some data may have been lost"):
        read(reader(ScriptedClient([lost], earliest=4)), (0, 2, 6))


def test_an_offset_that_is_gone_is_skipped_if_the_user_allows_it():
    client = ScriptedClient(
        [Event(p(0), 2, "lost", "out of range")], [Record(0, 4), Record(0, 5)], [Record(0, 6)], earliest=4
    )
    rows = reader(client, failOnDataLoss="false")
    assert read(rows, (0, 2, 6), (1, 3, 3)) == [(0, 4), (0, 5)]
    assert rows.skipped == 2
    assert read(rows, (0, 6, 7), (1, 3, 3)) == [(0, 6)]
    assert client.assigned == [{"t-0": 2, "t-1": 3}, {"t-0": 4}, {"t-0": 6, "t-1": 3}]


def test_a_range_that_is_gone_altogether_gives_nothing():
    client = ScriptedClient([Event(p(0), 2, "lost", "out of range")], earliest=50)
    rows = reader(client, failOnDataLoss="false")
    assert read(rows, (0, 2, 6)) == []
    assert rows.skipped == 4


def test_a_flood_of_one_partition_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(range_reader, "HELD_ROWS_MAX", 2)
    flood = [Record(0, offset) for offset in range(4)]
    client = ScriptedClient(flood, [Record(1, 0)], flood[1:])
    rows = reader(client)
    assert read(rows, (0, 0, 1), (1, 0, 1)) == [(0, 0), (1, 0)]
    assert read(rows, (0, 1, 4), (1, 1, 1)) == [(0, 1), (0, 2), (0, 3)]
    assert client.assigned == [{"t-0": 0, "t-1": 0}, {"t-1": 0}, {"t-0": 1, "t-1": 1}]


def test_silence_has_an_end():
    with pytest.raises(SparkError, match="Cannot fetch record for offset 0 of t-0 in 1 milliseconds"):
        read(reader(ScriptedClient()), (0, 0, 1))


def test_an_error_that_waiting_cannot_cure_is_raised():
    refused = Event(p(0), 0, "fatal", "Topic authorization failed")
    with pytest.raises(SparkError, match="Topic authorization failed"):
        read(reader(ScriptedClient([refused])), (0, 0, 1))


def test_headers_and_timestamps():
    client = ScriptedClient([Record(0, 0, stamp_ms=-1, headers=[("k", b"v"), ("k", None)]), Record(0, 1)])
    table = reader(client, includeHeaders="true").read([OffsetRange(p(0), 0, 2)])
    assert table["headers"].to_pylist() == [[{"key": "k", "value": b"v"}, {"key": "k", "value": None}], None]
    assert table["timestamp"].cast("int64").to_pylist() == [-1000, 5000]
    assert table["timestampType"].to_pylist() == [0, 0]


def test_a_timestamp_in_the_wrong_unit_is_said():
    client = ScriptedClient([Record(0, 0, stamp_ms=2**62)])
    with pytest.raises(SparkError, match="overflows when converting to Spark's microsecond-precision"):
        read(reader(client), (0, 0, 1))

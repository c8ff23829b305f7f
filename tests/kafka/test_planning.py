"""How much of each partition a batch takes, what was lost meanwhile, and how far behind it is."""

import pytest

from cauce.errors import SparkError
from cauce.kafka import (
    DataLoss,
    OffsetRange,
    TopicPartition,
    check_frozen_end,
    kafka_options,
    offsets_behind,
    offsets_json,
    parse_offsets,
    prorated,
)


def at(*offsets: int, topic: str = "t"):
    return {TopicPartition(topic, number): offset for number, offset in enumerate(offsets)}


def ranges(start, end, added=None, **options):
    given = {"kafka.bootstrap.servers": "x", "subscribe": "t", **options}
    return DataLoss(kafka_options(given, streaming=True)).ranges(start, end, added or {})


def test_a_limit_is_shared_in_proportion():
    assert prorated(10, at(0, 0), at(10, 30)) == at(2, 7)


def test_a_small_partition_is_not_starved():
    assert prorated(10, at(0, 0), at(1, 10_000)) == at(1, 9)


def test_a_limit_above_what_is_there_takes_everything():
    assert prorated(1_000, at(3, 5), at(9, 5)) == at(9, 5)


def test_a_partition_whose_end_went_back_keeps_its_end():
    assert prorated(1, at(9, 0), at(4, 5)) == at(4, 1)


def test_offset_json_is_sparks():
    offsets = {TopicPartition("b", 10): 1, TopicPartition("b", 9): 2, TopicPartition("ä", 0): -2}
    assert offsets_json(offsets) == '{"b":{"9":2,"10":1},"ä":{"0":-2}}'
    assert parse_offsets(offsets_json(offsets)) == offsets


@pytest.mark.parametrize(
    "text", ["", "[]", "1", '{"t":[0]}', '{"t":{"x":1}}', '{"t":{"0":"1"}}', '{"t":{"0":1.5}}']
)
def test_what_is_no_offset_json_is_refused(text):
    with pytest.raises(SparkError, match="Expected e.g."):
        parse_offsets(text)


def test_metrics_are_sparks():
    assert offsets_behind(at(1, 2), at(11, 4)) == {
        "avgOffsetsBehindLatest": "6.0",
        "maxOffsetsBehindLatest": "10",
        "minOffsetsBehindLatest": "2",
    }
    assert offsets_behind(at(0), at(123_456_789))["avgOffsetsBehindLatest"] == "1.23456789E8"
    assert offsets_behind({}, {}) == {}


def test_new_partitions_start_where_they_begin():
    found = ranges(at(3), at(5, 2), {TopicPartition("t", 1): 0})
    assert found == [OffsetRange(TopicPartition("t", 0), 3, 5), OffsetRange(TopicPartition("t", 1), 0, 2)]


LOSSES = {
    "ADDED_PARTITION_DOES_NOT_START_FROM_OFFSET_ZERO": (at(3), at(3, 9), {TopicPartition("t", 1): 7}),
    "INITIAL_OFFSET_NOT_FOUND_FOR_PARTITIONS": (at(3), at(3, 9), {}),
    "PARTITIONS_DELETED": (at(3, 4), at(5), {}),
    "PARTITION_OFFSET_CHANGED": (at(3), at(1), {}),
}


@pytest.mark.parametrize("name", LOSSES)
def test_lost_data_ends_the_query(name):
    with pytest.raises(SparkError, match="Some data may have been lost") as lost:
        ranges(*LOSSES[name])
    assert lost.value.condition == f"KAFKA_DATA_LOSS.{name}"
    assert lost.value.sqlstate == "22000"


@pytest.mark.parametrize("name", LOSSES)
def test_lost_data_is_left_out_if_the_user_says_so(name):
    assert all(each.start <= each.end for each in ranges(*LOSSES[name], failOnDataLoss="false"))


def test_deleted_partitions_mention_a_group_of_the_users():
    with pytest.raises(SparkError, match="Kafka option 'kafka.group.id' has been set on this query"):
        ranges(at(3, 4), at(5), **{"kafka.group.id": "mine"})


@pytest.mark.parametrize(
    "frozen, end, latest, message",
    [
        (at(5), at(5, 1), at(5, 1), "should provide the same topic partitions"),
        (at(5), at(6), at(6), "should have lower or equal offset per each topic partition"),
        (at(5), at(5), {}, "have been lost during running query"),
        (at(5), at(5), at(4), "report available offset which is less than end offset"),
    ],
)
def test_partitions_that_change_while_all_that_is_available_is_read(frozen, end, latest, message):
    with pytest.raises(SparkError, match=message):
        check_frozen_end(frozen, end, latest)
    check_frozen_end(at(5), at(4), at(9))
